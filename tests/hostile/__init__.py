"""Files that nobody's dvcx wrote: pointers, trees, packs and indexes made to do harm or to take all memory."""
