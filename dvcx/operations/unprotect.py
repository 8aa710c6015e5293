"""`dvcx unprotect`: make files that are links into the cache own copies, which may be edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvcx.base.errors import DamagedData, DvcxError, MissingData, shown
from dvcx.base.progress import SILENT, Progress
from dvcx.base.text import counted
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.own_copies import make_own_copies
from dvcx.operations.targets import resolve_targets
from dvcx.repo.record import Repo, open_cache, open_state, workspace_lock


@dataclass(frozen=True, slots=True)
class UnprotectResult:
    """The files that are own copies now, and their bytes.

    `damaged` stay links because the cached object is not what its name says, `missing` because it is not there.
    """

    copied: tuple[str, ...]
    size: int
    damaged: tuple[str, ...]
    missing: tuple[str, ...]

    def problem(self) -> DvcxError | None:
        """Gives the error for links that stay, or None."""
        if self.damaged:
            return DamagedData(
                f"{counted(len(self.damaged), 'file was', 'files were')} edited through a link, "
                f"so the cached content is damaged: {shown(self.damaged)}",
                f"keep the edit as new data with `dvcx add {self.damaged[0]}`, "
                "or bring the old content back with `dvcx fsck --repair`",
            )
        if self.missing:
            return MissingData(
                f"{counted(len(self.missing), 'link leads', 'links lead')} to content that is not in the cache: "
                f"{shown(self.missing)}",
                "run `dvcx pull` to fetch it",
                self.missing,
            )
        return None


def unprotect(repo: Repo, paths: Sequence[str], progress: Progress = SILENT) -> UnprotectResult:
    """Makes every link into the cache at `paths` (tracked data, or paths inside it) an own, verified copy.

    Files that are no such links stay as they are. Raises `UsageError` for paths that are not tracked, `OSError` such
    as a full disk, then having changed nothing.
    """
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        targets = resolve_targets(workspace_manifest(repo.root, repo.git), paths)
        cache, state = open_cache(repo), open_state(repo)
        made = make_own_copies(repo, cache, state, [target.path for target in targets], progress)
        state.close()
        cache.close()
    return UnprotectResult(tuple(made.done), made.size, tuple(made.damaged), tuple(made.missing))
