"""A stage: what `dvcx.yaml` declares of one step of a pipeline, after templating."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

PIPELINE_FILE = "dvcx.yaml"
LOCK_FILE = "dvcx.lock"
DEFAULT_PARAMS = "params.yaml"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the project's files something is written: the file's project path, line and column, both from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class DepKind(StrEnum):
    """What a stage depends on."""

    FILE = "file"
    """A file or folder of the project; one that a stage or a pointer makes, or any other."""
    OUTSIDE = "outside"
    """A file or folder on this machine outside of the project: `path` is absolute."""
    URL = "url"
    """`s3://...`, `https://...`, `remote://NAME/...`: `path` is the URL."""
    ENV = "env"
    """An environment variable, `env:NAME`: `path` is the name."""
    PACKAGE = "pkg"
    """An installed Python distribution, `pkg:NAME`: `path` is the name."""
    IMAGE = "image"
    """A container image, `image:REFERENCE`: `path` is the reference."""


@dataclass(frozen=True, slots=True)
class Dep:
    """One dependency. `text` is what stands in the file after templating, and names it in `dvcx.lock`.

    `path` is where it is, see `DepKind`: for files relative to the project root, with `/`, normalised. A pattern
    (`is_pattern`) stands for all files of the workspace that match it when somebody looks.
    """

    text: str
    path: str
    kind: DepKind = DepKind.FILE
    is_pattern: bool = False
    place: Place | None = field(default=None, compare=False)


class OutKind(StrEnum):
    """What an output is for: the list of the stage that it stands in."""

    DATA = "out"
    METRIC = "metric"
    PLOT = "plot"


@dataclass(frozen=True, slots=True)
class Out:
    """One output. `text`, `path` and `is_pattern` as for `Dep`; outputs always lie in the project.

    `cache`: its content goes into the cache, else it is Git's. `persist`: it is not removed before the stage runs.
    `push`: it goes to remotes; `remote` names one that it goes to instead of the default. `plots` are the ways to draw
    it, each a mapping of `template`, `x`, `y`, `x_label`, `y_label`, `title`, `header`.
    """

    text: str
    path: str
    kind: OutKind = OutKind.DATA
    is_pattern: bool = False
    cache: bool = True
    persist: bool = False
    push: bool = True
    remote: str | None = None
    desc: str | None = None
    type: str | None = None
    labels: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    plots: tuple[Mapping[str, Any], ...] = ()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ParamFile:
    """Parameters of one file that a stage depends on: the values at `keys` (`model.depth`), or, when None, all of it.

    `text` names the file in `dvcx.lock`, `path` is its project path.
    """

    text: str
    path: str
    keys: tuple[str, ...] | None
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. `address` names it in the whole project: `train`, `train@cnn`, `sub/dvcx.yaml:train`.

    `name` is the name in its `file` (a project path), `group` the name of the `foreach` or `matrix` stage that it was
    generated from. `cmd` are the lines that run one after the other in the folder `wdir` (a project path, "" for the
    root) until one fails. `resources` are what it takes of what the machine has: `cpu` and `gpu` in pieces, `memory`
    in bytes, any other name in pieces of what `resources` are said to exist. `timeout` is in seconds for one try,
    `retries` how often it may be tried again. No two stages that share a `mutex` run at once. `interpolated` are the
    parameters that templating took from files on behalf of this stage.
    """

    address: str
    name: str
    file: str
    cmd: tuple[str, ...]
    wdir: str = ""
    deps: tuple[Dep, ...] = ()
    outs: tuple[Out, ...] = ()
    params: tuple[ParamFile, ...] = ()
    frozen: bool = False
    always_changed: bool = False
    resources: Mapping[str, float] = field(default_factory=dict)
    timeout: float | None = None
    retries: int = 0
    mutex: tuple[str, ...] = ()
    desc: str | None = None
    meta: Any = None
    group: str | None = None
    interpolated: tuple[ParamFile, ...] = field(default=(), compare=False)
    place: Place | None = field(default=None, compare=False)

    @property
    def folder(self) -> str:
        """The project path of the folder of its `dvcx.yaml`, "" for the root."""
        return self.file.rpartition("/")[0]

    @property
    def lock_file(self) -> str:
        """The project path of the `dvcx.lock` that remembers its runs."""
        return f"{self.folder}/{LOCK_FILE}" if self.folder else LOCK_FILE

    @property
    def metrics(self) -> tuple[Out, ...]:
        """Its outputs that are metrics."""
        return tuple(out for out in self.outs if out.kind is OutKind.METRIC)

    @property
    def plots(self) -> tuple[Out, ...]:
        """Its outputs that are plots."""
        return tuple(out for out in self.outs if out.kind is OutKind.PLOT)


def stage_address(file: str, name: str) -> str:
    """Gives the address of the stage `name` of the pipeline file `file` (a project path)."""
    return name if file == PIPELINE_FILE else f"{file}:{name}"
