"""Laws: whatever people do in whatever order, the data is what a plain dictionary says."""
