"""Symbolic links in tracked folders: kept when they stay inside, refused or followed when they lead out."""

from __future__ import annotations

import os
import re
from enum import Enum, auto
from typing import NamedTuple

from dvcx.base.hashing import Algorithm
from dvcx.base.links import link_problem

_FOLLOW = "use --follow-symlinks to store what it leads to"


class Resolved(Enum):
    """What a symbolic link is to dvcx. `DEAD` is a link that dvcx made, to a cached object that is gone."""

    LINK = auto()
    CONTENT = auto()
    DEAD = auto()
    REFUSED = auto()


class Resolution(NamedTuple):
    """How a link is treated; `target` is the link's text, the real path of its content, or why it is refused."""

    kind: Resolved
    target: str


class LinkPolicy:
    """Decides on the links in the tracked folder `top` (absolute).

    A link into `cache_prefix` is one that dvcx made with `cache.type = symlink` and stands for the object's content.
    """

    def __init__(self, top: str, cache_prefix: str, algorithm: Algorithm, *, follow: bool, looking: bool) -> None:
        self._top = top
        self._real_top = os.path.realpath(top)
        self._cache_prefix = cache_prefix
        self._algorithm = algorithm
        self._follow = follow
        self._looking = looking
        self._inside: list[str] = []

    def resolve(self, absolute: str, path: str) -> Resolution:
        """Gives how to treat the link at `absolute`; `path` is how errors call it. Raises `OSError` as reading does."""
        text = os.readlink(absolute)
        if is_cache_link(text, self._algorithm):
            if not os.path.lexists(text):
                return Resolution(Resolved.DEAD, text)
            # Into the cache of another place, as after a change of cache.dir, it is only looked at.
            if self._looking or (self._cache_prefix and text.startswith(self._cache_prefix)):
                return Resolution(Resolved.CONTENT, text)
        if self._follow:
            real = os.path.realpath(absolute)
            if not os.path.exists(real):
                return Resolution(Resolved.REFUSED, f"is a symbolic link to {text!r}, where nothing is")
            return Resolution(Resolved.CONTENT, real)
        if absolute == self._top:
            return Resolution(Resolved.REFUSED, f"is a symbolic link to {text!r}: {_FOLLOW}")
        depth = os.path.relpath(absolute, self._top).count(os.sep)
        problem = link_problem(os.fsencode(text), depth)
        if problem is None and not self._ends_inside(absolute, text):
            # Another link on the way, one that is not tracked, leads out.
            problem = f"leads to {text!r}, outside of what is tracked"
        if problem is None:
            return Resolution(Resolved.LINK, text)
        return Resolution(Resolved.REFUSED, f"is a symbolic link that {problem}: {_FOLLOW}")

    def enter(self, absolute: str, real: str) -> bool:
        """Notes that the folder `real`, which the link at `absolute` leads to, is being scanned.

        Gives False when that would go round in circles.
        """
        leads_back = real == self._real_top or self._real_top.startswith(real + os.sep) or real in self._inside
        if leads_back and absolute != self._top:
            return False
        self._inside.append(real)
        return True

    def leave(self) -> None:
        """Notes that the folder entered last is done."""
        self._inside.pop()

    def _ends_inside(self, absolute: str, text: str) -> bool:
        real = os.path.realpath(os.path.join(os.path.dirname(absolute), text))
        return real == self._real_top or real.startswith(self._real_top + os.sep)


def is_cache_link(text: str, algorithm: Algorithm) -> bool:
    """Tells whether the text of a symbolic link is one that dvcx writes: the path of an object in some cache."""
    digits = 2 * algorithm.digest_size - 2
    pattern = rf"/(?:.+/)?loose/{algorithm.name}/[0-9a-f]{{2}}/[0-9a-f]{{{digits}}}"
    return re.fullmatch(pattern, text, re.DOTALL) is not None and os.path.normpath(text) == text


def link_stays_inside(relative: str, target: str) -> bool:
    """Tells by its text alone whether the link at `relative`, to `target`, stays inside their common root."""
    return link_problem(os.fsencode(target), relative.count("/")) is None
