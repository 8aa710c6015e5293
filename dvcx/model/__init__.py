"""The nouns of dvcx: frozen values that do no input or output."""
