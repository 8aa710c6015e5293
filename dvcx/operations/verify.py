"""`dvcx verify`: whether dvcx's files in Git can be used: they parse, and nothing in them is in conflict or secret."""

from __future__ import annotations

from dataclasses import dataclass

from dvcx.base.errors import DamagedData, DvcxError
from dvcx.base.files import read_own_file
from dvcx.base.text import counted
from dvcx.formats.conflict_text import has_conflict_markers
from dvcx.formats.pointer_text import MAX_BYTES
from dvcx.git.files import list_tracked_named
from dvcx.manifest.manifest import workspace_manifest
from dvcx.model.stage import PIPELINE_FILE
from dvcx.operations.revision import git_of
from dvcx.pipeline.pipeline_file import read_pipeline_file
from dvcx.repo.record import Repo

CONFLICT = "conflict markers"
"""What is said of a file that Git left in conflict."""
_LOCAL = "config.local.toml"
_MOST_BYTES = 64 * MAX_BYTES


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """How many files were checked, and those that cannot be used, each with why."""

    checked: int
    problems: dict[str, str]

    def problem(self) -> DvcxError | None:
        """Gives the error that something cannot be used, or None."""
        if not self.problems:
            return None
        restore = "put them right, or restore them with `git checkout -- FILE`"
        # It decides pointers and locks; what people write in dvcx.yaml they merge themselves.
        if any(CONFLICT in why and not path.endswith(PIPELINE_FILE) for path, why in self.problems.items()):
            restore = f"`dvcx resolve` decides the conflicts of a merge; else {restore}"
        return DamagedData(f"{counted(len(self.problems), 'file')} cannot be used", restore)


def verify(repo: Repo) -> VerifyResult:
    """Reads every pointer, `dvcx.yaml` and `dvcx.lock` of the project in the workspace.

    That its configuration can be read, and has no secrets where everybody sees them, was a condition for opening it.
    """
    git = git_of(repo, "verify")
    manifest = workspace_manifest(repo.root, git)
    problems = {path: error.message for path, error in manifest.broken.items()}
    others = _others(repo)
    problems.update({path: why for path, why in others if why is not None})
    return VerifyResult(len(manifest.files) + len(others), problems)


def _others(repo: Repo) -> list[tuple[str, str | None]]:
    git = git_of(repo, "verify")
    cut = len(repo.prefix) + 1 if repo.prefix else 0
    names = (PIPELINE_FILE, f".dvcx/{_LOCAL}")
    return [(path[cut:], _problem(repo, path[cut:])) for path in list_tracked_named(git, names, repo.prefix)]


def _problem(repo: Repo, path: str) -> str | None:
    if path.endswith(_LOCAL):
        return f"it is for secrets, so it does not belong into Git: `git rm --cached {path}`"
    try:
        text = read_own_file(repo.root / path, _MOST_BYTES, path)
        if has_conflict_markers(text.decode("utf-8", "replace")):
            return f"it contains {CONFLICT} from a merge"
        read_pipeline_file(text, path)
    except FileNotFoundError:
        return None  # deleted here, and not yet in Git
    except DvcxError as error:
        return error.message.partition("\n")[0]
    return None
