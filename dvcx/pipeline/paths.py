"""What the texts under `deps`, `outs` and `params` mean: a file of the project, a URL, a variable, a package."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

from dvcx.base.errors import Refused
from dvcx.base.paths import check_relative
from dvcx.model.pointer import SUFFIX
from dvcx.model.stage import LOCK_FILE, PIPELINE_FILE, DepKind

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PINS = {"env": DepKind.ENV, "pkg": DepKind.PACKAGE, "image": DepKind.IMAGE}
_PIN = re.compile(r"(env|pkg|image):(?!//)(.+)", re.DOTALL)
_PIN_NAMES = {
    DepKind.ENV: (re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), "the name of an environment variable"),
    DepKind.PACKAGE: (re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"), "the name of a Python package"),
    DepKind.IMAGE: (re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*"), "the reference of a container image"),
}
_WILD = re.compile(r"[*?]")


class BadPath(Exception):
    """A path that a stage cannot have: what is wrong with it."""


def locate(folder: str, text: str) -> str:
    """Gives the project path of `text`, relative to the project folder `folder`, normalised.

    What lies outside of the project begins with `..` or `/`. The root itself is "".
    """
    if folder == "" and text.isascii() and _PLAIN.fullmatch(text):
        return text
    path = posixpath.normpath(posixpath.join(folder, text))
    return "" if path == "." else path


_PLAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?:/[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)*")


@lru_cache(maxsize=16384)
def dep_meaning(folder: str, text: str) -> tuple[DepKind, str]:
    """Gives what the dependency `text` of a stage that runs in `folder` is, and its path or name.

    Raises `BadPath` for what cannot be a dependency.
    """
    if not text.strip():
        raise BadPath("this is empty; the path of a file or folder was expected")
    if "\0" in text:
        raise BadPath("a path cannot contain a NUL character")
    pin = _PIN.fullmatch(text)
    if pin:
        kind = _PINS[pin[1]]
        pattern, expected = _PIN_NAMES[kind]
        if not pattern.fullmatch(pin[2]):
            raise BadPath(f"{pin[2]!r} is not {expected}; a file of that name is written ./{text}")
        return kind, pin[2]
    if _URL.match(text):
        return DepKind.URL, text
    path = locate(folder, text)
    if path.startswith(("/", "../")) or path == "..":
        return DepKind.OUTSIDE, path
    if path:
        _check(path)
    return DepKind.FILE, path


@lru_cache(maxsize=16384)
def out_path(folder: str, text: str) -> str:
    """Gives the project path of the output `text` of a stage that runs in `folder`; raises `BadPath`."""
    if not text.strip():
        raise BadPath("this is empty; the path of a file or folder was expected")
    if _URL.match(text):
        raise BadPath("an output lies in the project; upload to a URL with a command of its own or with `dvcx push`")
    path = locate(folder, text)
    if path.startswith(("/", "../")) or path == "..":
        raise BadPath("an output lies in the project, and this leads out of it")
    if not path:
        raise BadPath("the whole project cannot be an output")
    _check(path)
    name = path.rpartition("/")[2]
    if name in (PIPELINE_FILE, LOCK_FILE) or name.endswith(SUFFIX):
        raise BadPath("a file that dvcx itself reads cannot be an output")
    return path


def is_pattern(path: str) -> bool:
    """Tells whether a path stands for all that match it: it has `*` or `?` in it. Brackets alone make no pattern."""
    return _WILD.search(path) is not None


def _check(path: str) -> None:
    try:
        check_relative(path, "this")
    except Refused as error:
        raise BadPath(error.message) from None
