"""Where pipeline files are read from: the working tree, or a commit without checking it out."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from dvcx.git.location import GitLocation


class PipelineSource(Protocol):
    """The files of one revision that say what the pipeline is. Paths are project paths."""

    @property
    def label(self) -> str:
        """What the revision is called in messages."""

    def pipeline_files(self) -> list[str]:
        """Gives the paths of all `dvcx.yaml` files of the project, sorted; not those that Git or dvcx ignores."""

    def read(self, path: str) -> bytes | None:
        """Gives the content of the file `path`, None when there is none. Raises `DvcxError` when it is unusable."""


def workspace_source(root: Path, git: GitLocation | None) -> PipelineSource:
    """Gives the working tree of the project at `root`."""
    raise NotImplementedError


def commit_source(git: GitLocation, commit: str, prefix: str, label: str) -> PipelineSource:
    """Gives a commit (an id), below the folder `prefix` of the repository, from Git's objects."""
    raise NotImplementedError
