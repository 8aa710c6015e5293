"""What to type next, where several commands say the same."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from dvcx.cli.console import Console


def git_add_step(files: Sequence[str], console: Console) -> None:
    """Tells how to have Git take in changed, new and removed files of ours."""
    if files:
        # -A takes in what went away, too.
        console.next_step(f"git add -A -- {' '.join(map(shlex.quote, files))}")
