"""The ground floor: hashing, files, links, locks and errors, knowing nothing of dvcx's nouns."""
