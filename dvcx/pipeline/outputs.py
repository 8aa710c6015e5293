"""Who makes what: the outputs of stages and the data of pointers, by path, and which of them a dependency means."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from re import Pattern

from dvcx.base.globs import may_match_below, path_pattern
from dvcx.model.pipeline import Pipeline
from dvcx.model.pointer import pointer_path
from dvcx.model.stage import Place
from dvcx.pipeline.pattern_overlap import patterns_overlap


@dataclass(frozen=True, slots=True)
class Made:
    """Something that is made: its path or pattern, and the address of the stage or the path of the pointer file."""

    path: str
    by: str
    is_pattern: bool = False
    place: Place | None = None

    def __str__(self) -> str:
        return self.by if self.place is None else f"{self.by} ({self.place})"


@dataclass(frozen=True, slots=True)
class Outputs:
    """Everything that is made: `paths` by path, each with all that claim it, and `patterns` by their `literal_base`.

    `ordered` and `bases` are the keys of the two, sorted.
    """

    paths: Mapping[str, tuple[Made, ...]]
    ordered: tuple[str, ...]
    patterns: Mapping[str, tuple[Made, ...]]
    bases: tuple[str, ...]

    def makers(self, path: str, *, is_pattern: bool = False) -> Iterator[Made]:
        """Gives all that make `path`, something inside it, or a folder that it lies in; for a pattern what it means."""
        if is_pattern:
            yield from self._of_pattern(path)
            return
        at = path
        while True:
            found = self.paths.get(at)
            if found is not None:
                yield from found
            if not at:
                break
            at = at.rpartition("/")[0]
        yield from self.below(path)
        yield from (made for made in self.patterns_near(path) if overlaps(made.path, path))

    def below(self, path: str) -> Iterator[Made]:
        """Gives all paths that are made strictly below the folder `path`."""
        for inner in _below(self.ordered, path):
            yield from self.paths[inner]

    def patterns_near(self, path: str) -> Iterator[Made]:
        """Gives the patterns that may have to do with `path`: those that look for names above, at or below it."""
        if not self.patterns:
            return
        at = path
        while True:
            yield from self.patterns.get(at, ())
            if not at:
                break
            at = at.rpartition("/")[0]
        for inner in _below(self.bases, path):
            yield from self.patterns[inner]

    def _of_pattern(self, pattern: str) -> Iterator[Made]:
        base = literal_base(pattern)
        above = base
        while above:
            yield from (made for made in self.paths.get(above, ()) if overlaps(pattern, made.path))
            above = above.rpartition("/")[0]
        yield from (made for made in self.below(base) if overlaps(pattern, made.path))
        yield from (made for made in self.patterns_near(base) if patterns_overlap(pattern, made.path))


def outputs_of(pipeline: Pipeline, pointers: Iterable[str] = ()) -> Outputs:
    """Gives who makes what, of the stages and of the data at the project paths `pointers`."""
    paths: dict[str, tuple[Made, ...]] = {path: (Made(path, pointer_path(path)),) for path in pointers}
    patterns: dict[str, tuple[Made, ...]] = {}
    for stage in pipeline.stages.values():
        for out in stage.outs:
            made = Made(out.path, stage.address, out.is_pattern, out.place)
            if out.is_pattern:
                base = literal_base(out.path)
                patterns[base] = (*patterns.get(base, ()), made)
            else:
                paths[out.path] = (*paths.get(out.path, ()), made)
    return Outputs(paths, tuple(sorted(paths)), patterns, tuple(sorted(patterns)))


def _below(ordered: tuple[str, ...], path: str) -> Iterator[str]:
    """Gives the paths among the sorted ones that lie strictly below the folder `path`, "" for the root."""
    start = path + "/" if path else ""
    for number in range(bisect_left(ordered, start), len(ordered)):
        if not ordered[number].startswith(start):
            break
        if ordered[number] != path:
            yield ordered[number]


def literal_base(pattern: str) -> str:
    """Gives the folder of `pattern` above its first part that is one, "" for the root."""
    parts: list[str] = []
    for part in pattern.split("/"):
        if any(letter in part for letter in "*?["):
            break
        parts.append(part)
    return "/".join(parts)


def overlaps(pattern: str, path: str) -> bool:
    """Tells whether what matches `pattern` can be `path`, lie inside it, or be a folder above it."""
    expression = _expression(pattern)
    at = path
    while at:
        if expression.fullmatch(at):
            return True
        at = posixpath.dirname(at)
    return not path or may_match_below(pattern, path)


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> Pattern[str]:
    return path_pattern(pattern)
