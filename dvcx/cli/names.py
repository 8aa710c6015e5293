"""Names that the project knows, for completion: read from its configuration, never from code in it."""

from __future__ import annotations

import os
from pathlib import Path

from dvcx.base.errors import DvcxError


def remote_names(incomplete: str) -> list[str]:
    """Gives the names of the project's remotes that start with `incomplete`; none where there is no project."""
    # Only a press of the tab key at `--remote` needs the project here.
    from dvcx.repo.open import open_repo

    try:
        remotes = open_repo(Path.cwd(), os.environ).config.remotes
    except (DvcxError, OSError):
        return []
    return [name for name in remotes if name.startswith(incomplete)]
