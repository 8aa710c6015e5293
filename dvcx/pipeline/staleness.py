"""Why a stage has to run: its last run compared with what its dependencies, parameters and outputs are now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dvcx.base.text import counted
from dvcx.model.changes import PathChange
from dvcx.model.run_record import Recorded, RunRecord
from dvcx.model.stage import Stage
from dvcx.pipeline.current import Current, lock_text_of

UNSEEN = "?"
"""The value of a dependency that nobody looked at: it counts as it was."""


class Cause(StrEnum):
    """What kind of thing makes a stage stale."""

    NEW = "never run"
    COMMAND = "command"
    DEPENDENCY = "dependency"
    PARAMETER = "parameter"
    OUTPUT = "output"
    ALWAYS = "always changed"
    FORCED = "forced"
    UPSTREAM = "upstream"


class How(StrEnum):
    """What became of it."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """What changed inside a folder: `counts` files by how they changed, in words as `PathChange` has them.

    `files` are the first of them, or all; their paths begin with the folder as the reason names it.
    """

    counts: Mapping[str, int]
    files: tuple[PathChange, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: what (`cause`, `name`) became how, from `old` to `new` where there is something to show.

    `inside` tells what changed in a folder, None when that is not known or it is no folder.
    """

    cause: Cause
    name: str = ""
    how: How = How.CHANGED
    old: str | None = None
    new: str | None = None
    inside: FolderChanges | None = None

    @property
    def is_output_only(self) -> bool:
        """Tells whether the outputs are the matter: the same inputs would make them again."""
        return self.cause is Cause.OUTPUT and self.how in (How.MISSING, How.CHANGED)


def input_reasons(stage: Stage, record: RunRecord | None, now: Current) -> list[Reason]:
    """Gives why the command and its inputs are not those of the last run; nothing when they are."""
    if record is None:
        return [Reason(Cause.NEW)]
    never_settled = stage.always_changed or not (stage.deps or stage.params or stage.outs)
    reasons = [Reason(Cause.ALWAYS)] if never_settled else []
    missing = {lock_text_of(stage, dep.path): dep.text for dep in now.absent}
    return reasons + differences(record, now.inputs, missing)


def differences(old: RunRecord, new: RunRecord, missing: Mapping[str, str] = {}) -> list[Reason]:
    """Gives how the command and inputs of one run differ from those of another; `missing` names what is nowhere."""
    reasons: list[Reason] = []
    if old.cmd != new.cmd:
        reasons.append(Reason(Cause.COMMAND, "", How.CHANGED, "\n".join(old.cmd), "\n".join(new.cmd)))
    reasons += _dependency_reasons(old.deps, new.deps, missing)
    if old.params != new.params:
        reasons += _param_reasons(old.params, new.params)
    return reasons


def output_reasons(
    stage: Stage, record: RunRecord | None, outs: Sequence[Recorded | None], *, allow_missing: bool = False
) -> list[Reason]:
    """Gives why the outputs are not those of the last run; with `allow_missing` one that is not here is no reason."""
    if record is None:
        return []
    reasons: list[Reason] = []
    old_by_text = {each.text: each for each in record.outs}
    for out, now in zip(stage.outs, outs, strict=True):
        text = lock_text_of(stage, out.path)
        old = old_by_text.pop(text, None)
        if old is None:
            reasons.append(Reason(Cause.OUTPUT, text, How.ADDED))
        elif now is None:
            if not allow_missing and old.members != ():
                reasons.append(Reason(Cause.OUTPUT, text, How.MISSING, shown(old)))
        elif not now.same(old):
            reasons.append(Reason(Cause.OUTPUT, text, How.CHANGED, shown(old), shown(now)))
    reasons += (Reason(Cause.OUTPUT, text, How.REMOVED, shown(old)) for text, old in old_by_text.items())
    return reasons


def reason_text(reason: Reason) -> str:
    """Gives a reason in words: `parameter params.yaml:lr changed from 0.1 to 0.2`."""
    if reason.cause in (Cause.NEW, Cause.ALWAYS, Cause.FORCED):
        return reason.cause.value
    if reason.cause is Cause.UPSTREAM:
        return f"after {reason.name}"
    what = " ".join(part for part in (reason.cause.value, reason.name) if part)
    if reason.cause is Cause.COMMAND:
        return f"{what} {reason.how.value}"
    if reason.inside is not None:
        return f"{what} {reason.how.value}: {_inside_text(reason.inside)}"
    if reason.cause is Cause.DEPENDENCY and reason.how is How.CHANGED and reason.name.startswith(tuple(_WITHOUT)):
        old, new = (_surrounding_text(reason.name, value) for value in (reason.old, reason.new))
        return f"{what} changed from {old} to {new}"
    if reason.old is not None and reason.new is not None:
        return f"{what} {reason.how.value} from {reason.old} to {reason.new}"
    return f"{what} {'is missing' if reason.how is How.MISSING else reason.how.value}"


_WITHOUT = {"env:": "unset", "pkg:": "not installed"}
"""What there is instead of a variable or a package, by how such dependencies begin."""


def _surrounding_text(name: str, value: str | None) -> str:
    """Gives the version of a package; of a variable the start of the hash that stands for what may be a secret."""
    kind = name[:4]
    if value is None:
        return _WITHOUT[kind]
    algorithm, colon, digest = value.partition(":")
    return f"{algorithm}:{digest[:8]}" if kind == "env:" and colon else value


def _inside_text(inside: FolderChanges) -> str:
    """Gives `1 added, 3 modified (data/3.csv, data/4.csv, data/5.csv and 1 more)`."""
    counts = ", ".join(f"{count:,} {word}" for word, count in inside.counts.items())
    names = [each.path for each in inside.files[:_NAMED]]
    more = sum(inside.counts.values()) - len(names)
    return f"{counts} ({', '.join(names)}{f' and {more:,} more' if more else ''})"


_NAMED = 3
"""So many changed files are named in one line."""


def shown(recorded: Recorded) -> str | None:
    """Gives a dependency or output in a few characters: the start of its id, its value, the number of files."""
    if recorded.members is not None:
        return counted(len(recorded.members), "file")
    if recorded.id is not None:
        return f"{recorded.id.algorithm}:{recorded.id.digest.hex()[:8]}"
    return recorded.value


def _dependency_reasons(
    olds: Sequence[Recorded], news: Sequence[Recorded], missing: Mapping[str, str]
) -> Iterator[Reason]:
    old_by_text = {each.text: each for each in olds}
    for text in missing:
        old = old_by_text.pop(text, None)
        yield Reason(Cause.DEPENDENCY, text, How.MISSING, None if old is None else shown(old))
    for new in news:
        old = old_by_text.pop(new.text, None)
        if old is None:
            yield Reason(Cause.DEPENDENCY, new.text, How.ADDED, None, shown(new))
        elif new.value != UNSEEN and not new.same(old):
            yield from _changed(old, new)
    for text, old in old_by_text.items():
        yield Reason(Cause.DEPENDENCY, text, How.REMOVED, shown(old))


def _changed(old: Recorded, new: Recorded) -> Iterator[Reason]:
    if old.members is None or new.members is None:
        yield Reason(Cause.DEPENDENCY, new.text, How.CHANGED, shown(old), shown(new))
        return
    olds, news = ({each.text: each for each in side.members or ()} for side in (old, new))
    for text in sorted(olds.keys() | news.keys()):
        before, after = olds.get(text), news.get(text)
        if before is None and after is not None:
            yield Reason(Cause.DEPENDENCY, text, How.ADDED, None, shown(after))
        elif after is None and before is not None:
            yield Reason(Cause.DEPENDENCY, text, How.REMOVED, shown(before))
        elif before is not None and after is not None and not before.same(after):
            yield Reason(Cause.DEPENDENCY, text, How.CHANGED, shown(before), shown(after))


def _param_reasons(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Iterator[Reason]:
    for file in sorted(old.keys() | new.keys()):
        olds, news = old.get(file, {}), new.get(file, {})
        for key in sorted(olds.keys() | news.keys()):
            name = f"{file}:{key}"
            if key not in olds:
                yield Reason(Cause.PARAMETER, name, How.ADDED, None, _text(news[key]))
            elif key not in news:
                yield Reason(Cause.PARAMETER, name, How.REMOVED, _text(olds[key]))
            elif not same_value(olds[key], news[key]):
                yield Reason(Cause.PARAMETER, name, How.CHANGED, _text(olds[key]), _text(news[key]))


def same_value(one: Any, other: Any) -> bool:
    """Tells whether two parameter values are the same to a program: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    return bool(one == other)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
