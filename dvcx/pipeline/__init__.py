"""Stages of data: `dvcx.yaml` resolved to stages, their graph and order."""
