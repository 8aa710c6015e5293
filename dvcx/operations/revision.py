"""What was tracked at a revision: Git's objects are read, the working tree stays as it is."""

from __future__ import annotations

from dvcx.base.errors import UsageError
from dvcx.git.location import GitLocation
from dvcx.git.revisions import resolve
from dvcx.manifest.manifest import Manifest, commit_manifest, workspace_manifest
from dvcx.repo.record import Repo


def manifest_at(repo: Repo, revision: str | None) -> Manifest:
    """Gives the pointers of a revision, or of the workspace for None.

    Raises `NoSuchRevision`, and `UsageError` for a revision in a project without Git.
    """
    if revision is None:
        return workspace_manifest(repo.root, repo.git)
    git = git_of(repo, f"look up {revision!r} in")
    return commit_manifest(git, resolve(git, revision), repo.prefix, revision)


def git_of(repo: Repo, purpose: str) -> GitLocation:
    """Gives the Git repository of the project; raises `UsageError` that there is none for that `purpose`."""
    if repo.git is None:
        raise UsageError(
            f"this project was made with --no-git, so there is no history to {purpose}",
            "`dvcx status --granular` compares the files with the pointers",
        )
    return repo.git
