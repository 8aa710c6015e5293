"""What DVC itself makes of `dvc.yaml` files, compared with what dvcx makes of the same files."""
