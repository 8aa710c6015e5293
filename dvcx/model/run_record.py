"""What `dvcx.lock` remembers: what each stage saw and made when it last ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dvcx.model.ids import ObjectId


@dataclass(frozen=True, slots=True)
class Recorded:
    """One dependency or output as it was.

    `text` names it in `dvcx.lock`: a file's or folder's path from the folder of the `dvcx.lock`, anything else as it
    stands in the `dvcx.yaml`. Files and folders have an `id`, a `size` in bytes, folders also the number of their
    `files`. What is no file (a URL, a variable, a package, an image) has a `value`: its entity tag, the hash of its
    text, its version, its digest; None when there was none. A pattern has the `members` that matched it, sorted, with
    their paths as `text`.

    Of outputs: `cache` tells whether the content is in the cache, else it is Git's; `push` whether it goes to remotes,
    `remote` to which one instead of the default. `extra` keeps fields that this dvcx does not know.
    """

    text: str
    id: ObjectId | None = None
    size: int | None = None
    files: int | None = None
    executable: bool = False
    value: str | None = None
    members: tuple[Recorded, ...] | None = None
    cache: bool = True
    push: bool = True
    remote: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def same(self, other: Recorded) -> bool:
        """Tells whether both stand for the same content, wherever it is kept."""
        if self.members is not None or other.members is not None:
            return _members(self) == _members(other)
        return _content(self) == _content(other)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The last run of a stage: its command, what it depended on and what it made.

    `params` are, by the path of the file from the folder of the `dvcx.lock`, the values by key: of a file that is a
    dependency as a whole, its top keys. `extra` keeps fields that this dvcx does not know.
    """

    cmd: tuple[str, ...]
    deps: tuple[Recorded, ...] = ()
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outs: tuple[Recorded, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageLock:
    """One `dvcx.lock`: the records by the name that the stage has in the `dvcx.yaml` beside it, and unknown fields."""

    records: Mapping[str, RunRecord] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def _content(recorded: Recorded) -> tuple[object, ...]:
    return recorded.id, recorded.executable, recorded.value


def _members(recorded: Recorded) -> dict[str, tuple[object, ...]] | None:
    if recorded.members is None:
        return None
    return {member.text: _content(member) for member in recorded.members}
