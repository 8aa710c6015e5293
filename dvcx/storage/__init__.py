"""Where objects rest: the cache on disk and remotes reached through fsspec."""
