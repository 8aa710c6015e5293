"""The options --global, --project and --local: which configuration file is meant."""

from __future__ import annotations

from dvcx.base.errors import UsageError
from dvcx.config.schema import Level


def chosen_level(*, everywhere: bool = False, project: bool = False, local: bool = False) -> Level | None:
    """Gives the level that was named, or None; `everywhere` is --global. Raises `UsageError` for more than one."""
    named = [
        level for level, given in ((Level.GLOBAL, everywhere), (Level.PROJECT, project), (Level.LOCAL, local)) if given
    ]
    if len(named) > 1:
        raise UsageError(
            f"--{named[0]} and --{named[1]} are two different files", "name one of --global, --project, --local"
        )
    return named[0] if named else None
