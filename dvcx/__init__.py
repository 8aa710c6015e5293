"""dvcx: data and model version control over Git."""

__version__ = "0.1.0"
