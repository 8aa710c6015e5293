"""What differs between values by file and name: of metrics and of parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dvcx.pipeline.staleness import same_value


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One name: `change` is `added`, `deleted`, `modified` or `same`; `difference` is new less old, of numbers."""

    path: str
    name: str
    change: str
    old: Any
    new: Any
    difference: float | None


Values = Mapping[str, Mapping[str, Any]]


def changes_of(old: Values, new: Values, *, all_: bool) -> Iterator[ValueChange]:
    """Gives what differs, in the order of the files and names; with `all_` also what is equal."""
    for path in dict.fromkeys((*new, *old)):
        olds, news = old.get(path, {}), new.get(path, {})
        for name in dict.fromkeys((*news, *olds)):
            before, after = olds.get(name), news.get(name)
            if name not in olds:
                yield ValueChange(path, name, "added", None, after, None)
            elif name not in news:
                yield ValueChange(path, name, "deleted", before, None, None)
            elif not same_value(before, after):
                yield ValueChange(path, name, "modified", before, after, _difference(before, after))
            elif all_:
                yield ValueChange(path, name, "same", before, after, None)


def _difference(old: Any, new: Any) -> float | None:
    if isinstance(old, bool) or isinstance(new, bool):
        return None
    if isinstance(old, int | float) and isinstance(new, int | float):
        difference = new - old
        return difference if difference == difference else None
    return None
