"""Tests through one layer."""
