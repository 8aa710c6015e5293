"""The one door to Git: discovery, revisions, blobs, refs and ignore lines."""
