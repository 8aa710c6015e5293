"""Tests of dvcx."""
