"""What a user's targets mean: which tracked data, and which paths inside it."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dvcx.base.errors import UsageError
from dvcx.manifest.manifest import WORKSPACE, Manifest
from dvcx.manifest.trees import LoadTree, entry_at, entry_of, files_below
from dvcx.model.pointer import Pointer


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


def resolve_targets(manifest: Manifest, paths: Sequence[str]) -> list[Target]:
    """Gives what `paths` (relative to the project root) mean: all tracked data when there are none.

    A folder that is not tracked itself means all tracked data in it. Raises `UsageError` for a path that means nothing,
    and the error of a pointer file that cannot be used.
    """
    if not paths:
        manifest.raise_broken()
        return [Target(path, pointer) for path, pointer in manifest.pointers.items()]
    found: dict[str, Target] = {}
    for path in paths:
        for target in _meant_by(manifest, path):
            found.setdefault(target.path, target)
    return list(found.values())


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
    if not path:
        return []
    raise not_tracked(manifest, path)


def not_tracked(manifest: Manifest, path: str) -> UsageError:
    """Gives the error for a path that means no tracked data."""
    close = difflib.get_close_matches(path, manifest.pointers, 1)
    hint = f"track it with `dvcx add {path}`, or see what is tracked: `dvcx ls`"
    if close:
        hint = f"did you mean {close[0]}?"
    elif manifest.label != WORKSPACE:
        hint = f"see what was tracked then: `dvcx ls --rev {manifest.label}`"
    return UsageError(f"{path} is not tracked in {manifest.label}", hint)


def matching_targets(manifest: Manifest, patterns: Sequence[str], load: LoadTree) -> list[Target]:
    """Gives the tracked data, and the files inside tracked folders, whose paths match one of `patterns`.

    A pattern's `*` does not cross `/`, `**` does. Raises `UsageError` for a pattern that matches nothing.
    """
    found: dict[str, Target] = {}
    for pattern in patterns:
        matches = _matcher(pattern)
        before = len(found)
        for output, pointer in manifest.pointers.items():
            if matches(output):
                found.setdefault(output, Target(output, pointer))
            elif pointer.is_folder:
                for path, _ in files_below(entry_of(pointer), output, load):
                    if matches(path):
                        inner = tuple(path[len(output) + 1 :].split("/"))
                        found.setdefault(path, Target(output, pointer, inner))
        if len(found) == before and not any(matches(path) for path in found):
            raise UsageError(f"no tracked path matches {pattern}", "see what is tracked with `dvcx ls -R`")
    return list(found.values())


def _matcher(pattern: str) -> Callable[[str], object]:
    parts = []
    for part in pattern.strip("/").split("/"):
        # fnmatch's `*` crosses slashes; path patterns match part by part.
        parts.append("(?:.*/)?" if part == "**" else fnmatch.translate(part)[4:-3].replace(".*", "[^/]*") + "/")
    expression = "".join(parts).removesuffix("/").removesuffix("(?:.*/)?") + (".*" if pattern.endswith("**") else "")
    return re.compile(expression + r"\Z", re.DOTALL).match


def inner_entry_exists(target: Target, load: LoadTree) -> bool:
    """Tells whether the path inside the folder exists in its tree."""
    return entry_at(entry_of(target.pointer), target.inner, load) is not None
