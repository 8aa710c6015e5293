"""Data that a record names and that only this workspace has, as text."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from dvcx.cli.console import Console


def warn_unsaved(paths: Sequence[str], console: Console) -> None:
    """Warns of tracked data with changes that were not added although stages ran with it."""
    for path in paths:
        console.warn(f"{path} has changes that are not added: dvcx.lock names what nobody else can get")
    if paths:
        console.next_step(f"dvcx add {shlex.join(paths)}")
