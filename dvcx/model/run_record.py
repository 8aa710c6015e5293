"""What `dvcx.lock` remembers: what each stage saw and made when it last ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dvcx.model.ids import ObjectId

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Recorded:
    """One dependency or output as it was. `text` is that of the stage's `Dep` or `Out`.

    Files and folders have an `id`, a `size` in bytes, folders also the number of their `files`. What is no file (a
    URL, a variable, a package, an image) has a `value`: its entity tag, its text, its version, its digest; None when
    there was none. A pattern has the `members` that matched it, sorted, with their paths as `text`.
    """

    text: str
    id: ObjectId | None = None
    size: int | None = None
    files: int | None = None
    executable: bool = False
    value: str | None = None
    members: tuple[Recorded, ...] | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The last run of a stage: its command, what it depended on and what it made.

    `params` are, by the text of the file, the values by key: of a file that is a dependency as a whole, its top keys.
    `extra` keeps fields that this dvcx does not know.
    """

    cmd: tuple[str, ...]
    deps: tuple[Recorded, ...] = ()
    params: Mapping[str, Mapping[str, Any]] = _NONE
    outs: tuple[Recorded, ...] = ()
    extra: Mapping[str, Any] = _NONE


@dataclass(frozen=True, slots=True)
class StageLock:
    """One `dvcx.lock`: the records by the name that the stage has in the `dvcx.yaml` beside it, and unknown fields."""

    records: Mapping[str, RunRecord] = _NONE
    extra: Mapping[str, Any] = _NONE
