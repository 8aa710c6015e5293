"""Where the key ring of a remote that was seen last is kept: not among what is disposable."""

from __future__ import annotations

from pathlib import Path


def key_memory(common_dir: Path, remote: str) -> Path:
    """Gives the file for the remote called `remote`."""
    return common_dir / "keyrings" / f"{remote}.json"
