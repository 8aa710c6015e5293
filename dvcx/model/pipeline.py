"""A pipeline: everything that the `dvcx.yaml` files of one revision of a project declare."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from dvcx.base.errors import DvcxError
from dvcx.model.stage import PIPELINE_FILE, ParamFile, Place, Stage


@dataclass(frozen=True, slots=True)
class TopFile:
    """A file under the top-level `metrics` of a `dvcx.yaml`: `text` as written, `path` in the project."""

    text: str
    path: str
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TopPlot:
    """A plot under the top-level `plots`: its `id` is a path or a name, `settings` what stands below it.

    `path` is the project path that the id means when the settings name no data file.
    """

    id: str
    file: str
    path: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A named artifact, for registries: `path` is a project path, `file` the `dvcx.yaml` that declares it."""

    name: str
    file: str
    path: str
    type: str | None = None
    desc: str | None = None
    labels: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All stages by address, in the order of files and lines; what the files declare beside them.

    `groups` are the addresses of `foreach` and `matrix` stages with those of the stages generated from them. `broken`
    holds what cannot be used, by the address of the stage or the path of the file, each with why: the rest is there.
    """

    files: tuple[str, ...] = ()
    stages: Mapping[str, Stage] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    params: tuple[ParamFile, ...] = ()
    metrics: tuple[TopFile, ...] = ()
    plots: tuple[TopPlot, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    datasets: Mapping[str, Any] = field(default_factory=dict)
    broken: Mapping[str, DvcxError] = field(default_factory=dict)

    def raise_broken(self) -> None:
        """Raises the error of the first stage or file that cannot be used, if there is one."""
        for error in self.broken.values():
            raise error

    def broken_in(self, files: Collection[str]) -> dict[str, DvcxError]:
        """Gives what cannot be used of the pipeline files `files`: themselves, or stages in them."""
        return {name: error for name, error in self.broken.items() if _file_of(name) in files}


def _file_of(name: str) -> str:
    """Gives the pipeline file that `name` is, or that the stage at that address stands in."""
    if name == PIPELINE_FILE or name.endswith(f"/{PIPELINE_FILE}"):
        return name
    return name.rpartition(":")[0] or PIPELINE_FILE
