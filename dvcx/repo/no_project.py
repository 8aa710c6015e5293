"""What to say of a source of data that is no project of dvcx: what it is instead, and how to take data from that."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from dvcx.base.errors import UsageError
from dvcx.git.location import GitLocation
from dvcx.git.process import run_git


def no_project_in(folder: Path, source: str) -> UsageError:
    """Gives the error for a folder, named `source`, in which there is no project."""
    if (folder / ".dvc" / "config").is_file():
        return _of_dvc(source)
    what = "a folder, but no dvcx project"
    if (folder / ".git").exists():
        what = "a Git repository, but no dvcx project: it has no .dvcx folder"
    place = f"{quote(source)}/PATH"
    return UsageError(
        f"{source} is {what}", f"`dvcx get-url {place}` copies plain files, `dvcx import-url {place}` tracks them"
    )


def no_project_at(git: GitLocation, commit: str, source: str, others: list[str]) -> UsageError:
    """Gives the error for a commit without a project around what was asked for; `others` are folders with one."""
    if others:
        return UsageError(
            f"{source} has no dvcx project at its top in commit {commit[:12]}",
            f"its projects are in {', '.join(others)}: give a path in one",
        )
    if run_git(git, ["ls-tree", "--name-only", commit, "--", ".dvc/config"]):
        return _of_dvc(source)
    return UsageError(
        f"{source} is a Git repository, but no dvcx project: commit {commit[:12]} has no .dvcx folder",
        f"take its files with Git: `git clone --depth 1 {quote(source)}`; another branch or tag is named by --rev",
    )


def _of_dvc(source: str) -> UsageError:
    return UsageError(
        f"{source} is a project of DVC, which is no source for dvcx",
        f"`dvc get {quote(source)} PATH` copies its data, `dvcx add PATH` tracks that; or `dvcx import-url` what "
        f"`dvc get --show-url {quote(source)} PATH` prints",
    )
