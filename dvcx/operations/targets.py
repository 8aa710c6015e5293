"""What a user's targets mean: which tracked data, and which paths inside it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dvcx.base.errors import MissingData, UsageError
from dvcx.base.globs import may_match_below, path_pattern
from dvcx.manifest.manifest import WORKSPACE, Manifest
from dvcx.manifest.trees import LoadTree, entry_at, entry_of, files_below
from dvcx.model.pointer import Pointer, pointer_path


@dataclass(frozen=True, slots=True)
class Target:
    """Tracked data, or with `inner` a path inside a tracked folder."""

    output: str
    pointer: Pointer
    inner: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The path of what is meant, relative to the project root."""
        return "/".join((self.output, *self.inner))


class NotTracked(UsageError):
    """The path `path` means no tracked data."""

    def __init__(self, message: str, hint: str | None = None, path: str = "") -> None:
        super().__init__(message, hint)
        self.path = path


def resolve_targets(manifest: Manifest, paths: Sequence[str], *, pass_over_broken: bool = False) -> list[Target]:
    """Gives what `paths` (relative to the project root) mean: all tracked data when there are none.

    A folder that is not tracked itself means all tracked data in it; what lies in another target comes with that. The
    name of a stage that is not the path of anything means what the stage made.
    Raises `UsageError` for a path that means nothing, and the error of a pointer file that cannot be used; with
    `pass_over_broken` only that of a path's own pointer.
    """
    if not paths:
        if not pass_over_broken:
            manifest.raise_broken()
        return [Target(path, pointer) for path, pointer in manifest.pointers.items()]
    for path in paths if not pass_over_broken else ():
        for name, error in manifest.broken.items():
            if not path or name.startswith(path + "/"):
                raise error
    return _outermost(target for path in paths for target in _meant_by(manifest, path))


def _meant_by(manifest: Manifest, path: str) -> list[Target]:
    broken = manifest.broken.get(path + ".dvcx")
    if broken is not None:
        raise broken
    owner = manifest.owner_of(path)
    if owner is not None:
        pointer = manifest.pointers[owner]
        inner = path[len(owner) + 1 :]
        if not inner or pointer.is_folder:
            return [Target(owner, pointer, tuple(inner.split("/")) if inner else ())]
    below = manifest.below(path)
    if below:
        return [Target(each, manifest.pointers[each]) for each in below]
    made = [each for each, pointer in manifest.pointers.items() if pointer.stage and _is_or_is_in(pointer.stage, path)]
    if made or not path:
        return [Target(each, manifest.pointers[each]) for each in made]
    raise not_tracked(manifest, path)


def _is_or_is_in(stage: str, name: str) -> bool:
    """Tells whether `name` is what a stage is called, or the group that it is one of."""
    return stage == name or stage.startswith(f"{name}@")


def _outermost(targets: Iterable[Target]) -> list[Target]:
    by_path = {target.path: target for target in targets}
    return [by_path[path] for path in outermost(by_path)]


def outermost(paths: Iterable[str]) -> list[str]:
    """Gives each path once, without those that lie below another one."""
    known = dict.fromkeys(paths)
    return [path for path in known if known.keys().isdisjoint(_above(path))]


def _above(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path


def not_tracked(manifest: Manifest, path: str) -> NotTracked:
    """Gives the error for a path that means no tracked data, or something that the tracked folder around it lacks."""
    owner = manifest.owner_of(path)
    if owner is not None and manifest.pointers[owner].is_folder:
        revision = "" if manifest.label == WORKSPACE else f" --rev {manifest.label}"
        hint = f"see what is there: `dvcx ls{revision} {owner}`"
        return NotTracked(f"{path} is not in the tracked folder {owner} in {manifest.label}", hint, path)
    close = difflib.get_close_matches(path, manifest.pointers, 1)
    hint = f"track it with `dvcx add {path}`, or see what is tracked: `dvcx ls`"
    if close:
        hint = f"did you mean {close[0]}?"
    elif manifest.label != WORKSPACE:
        hint = f"see what was tracked then: `dvcx ls --rev {manifest.label}`"
    return NotTracked(f"{path} is not tracked in {manifest.label}", hint, path)


def matching_targets(manifest: Manifest, patterns: Sequence[str], load: LoadTree) -> list[Target]:
    """Gives the tracked data, and the files inside tracked folders, whose paths match one of `patterns`.

    A pattern's `*` does not cross `/`, `**` does. Raises `UsageError` for a pattern that matches nothing, and
    `MissingData` as `load` does.
    """
    found: dict[str, Target] = {}
    for pattern in patterns:
        matches = path_pattern(pattern).fullmatch
        before = len(found)
        for output, pointer in manifest.pointers.items():
            if matches(output):
                found.setdefault(output, Target(output, pointer))
            elif pointer.is_folder and may_match_below(pattern, output):
                for path, _ in files_below(entry_of(pointer), output, load):
                    if matches(path):
                        inner = tuple(path[len(output) + 1 :].split("/"))
                        found.setdefault(path, Target(output, pointer, inner))
        if len(found) == before and not any(matches(path) for path in found):
            raise UsageError(f"no tracked path matches {pattern}", "see what is tracked with `dvcx ls -R`")
    return _outermost(found.values())


def searched_by(manifest: Manifest, patterns: Sequence[str]) -> list[Target]:
    """Gives the tracked folders whose files `matching_targets` looks at."""
    return [
        Target(output, pointer)
        for output, pointer in manifest.pointers.items()
        if pointer.is_folder and any(may_match_below(pattern, output) for pattern in patterns)
    ]


def not_inside(target: Target) -> UsageError:
    """Gives the error for a path that the tracked folder around it does not have."""
    return UsageError(
        f"{target.path} is not in the folder that {pointer_path(target.output)} tracks",
        f"see what is there with `dvcx ls {target.output}`",
    )


def check_inside(targets: Sequence[Target], load: LoadTree) -> None:
    """Raises `UsageError` for a target inside a tracked folder that does not have it, as far as that is known here."""
    for target in targets:
        try:
            if target.inner and entry_at(entry_of(target.pointer), target.inner, load) is None:
                raise not_inside(target)
        except MissingData:
            continue
