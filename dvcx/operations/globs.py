"""Patterns that name files of the workspace."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from dvcx.base.errors import UsageError
from dvcx.model.pointer import SUFFIX
from dvcx.repo.open import project_path
from dvcx.repo.record import Repo


def workspace_glob(repo: Repo, patterns: Sequence[str], directory: Path) -> list[str]:
    """Gives the project paths of everything in the workspace that matches a pattern, relative to `directory`.

    `*` does not cross `/`, `**` does. Pointer files never match. Raises `UsageError` for a pattern without a match.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = sorted(glob.glob(pattern, root_dir=directory, recursive=True))
        paths = [project_path(repo, match, directory) for match in matches if not match.endswith(SUFFIX)]
        if not paths:
            raise UsageError(
                f"nothing matches {pattern}", "quote patterns, so that dvcx and not the shell expands them"
            )
        found.update(dict.fromkeys(paths))
    return list(found)
