"""Paths that come from a repository: checked by their text, and walked without following links.

Nothing that a pointer or a tree names may lie outside the workspace or inside `.git` and `.dvcx`. The text is checked
when it is parsed; the folders are checked again, component by component, at the moment of writing, because a folder
can become a symbolic link in between.
"""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence

from dvcx.base.errors import Refused

MAX_NAME_BYTES = 255
MAX_DEPTH = 512
"""The most folders above a path of a project: walks go a call or two deeper with each (`RECURSION` has room)."""
RECURSION = 5000
"""Calls inside one another that a program needs to be allowed for that; Python allows 1,000 unless told otherwise."""
MAX_PATH_BYTES = 3584
"""The longest path below the project root: Linux takes 4096 bytes, and a checkout writes in a longer place first."""
_RESERVED = frozenset({".git", ".dvcx", "git~1", "dvcx~1"})
# Characters that HFS+ leaves out when it compares names: ".g\u200cit" is ".git" there (CVE-2014-9390).
_IGNORED_BY_HFS = dict.fromkeys((*range(8204, 8208), *range(8234, 8239), *range(8298, 8304), 65279))
_PLAIN = "[A-Za-z0-9_-][ -.0-}]{0,62}"
"""Printable ASCII without `/` and `~` that begins harmlessly: nearly all names, so the others may cost more."""
_is_plain = re.compile(_PLAIN).fullmatch
_are_plain = re.compile(f"(?:{_PLAIN}\n)*+").fullmatch


def are_plain_names(names: Sequence[str]) -> bool:
    """Tells whether `check_name` accepts all `names` at a glance; many at once cost far less than one by one."""
    lines = "\n".join((*names, ""))
    return lines.count("\n") == len(names) and _are_plain(lines) is not None


def check_name(name: str, where: str) -> None:
    """Raises `Refused` when `name` cannot be one path component inside a workspace; `where` says who names it."""
    if _is_plain(name):
        return
    problem = _problem(name)
    if problem:
        raise Refused(
            f"{where} names {name!r}, which {problem}",
            "nothing was written for it; do not use this data unless you trust where it comes from",
            [name],
        )


def _problem(name: str) -> str | None:
    if not name:
        return "is empty"
    if name in (".", ".."):
        return "leads out of its folder"
    if "/" in name:
        return "contains a slash"
    if "\0" in name:
        return "contains a NUL character"
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    if len(encoded) > MAX_NAME_BYTES:
        return f"is longer than {MAX_NAME_BYTES} bytes"
    if is_reserved(name):
        return "is reserved for Git or dvcx"
    return None


def is_reserved(name: str) -> bool:
    """Tells whether some file system takes `name` for `.git` or `.dvcx`, whatever its case and invisible characters."""
    folded = name.translate(_IGNORED_BY_HFS) if not name.isascii() else name
    return folded.casefold().rstrip(". ").split(":")[0] in _RESERVED


def check_relative(path: str, where: str) -> tuple[str, ...]:
    """Splits a relative path with `/` into its components; raises `Refused` when it could leave its root."""
    if path.startswith("/"):
        raise Refused(f"{where} names {path!r}, which is an absolute path", names=[path])
    parts = tuple(path.split("/"))
    check_depth(path, where)
    for part in parts:
        check_name(part, where)
    return parts


def check_depth(path: str, where: str) -> None:
    """Raises `Refused` when `path`, below a project's root, is longer or deeper than dvcx can walk everywhere."""
    depth = path.count("/")
    # No character has more than four bytes, so most paths need not be encoded to know that they are short.
    if depth <= MAX_DEPTH and (
        len(path) <= MAX_PATH_BYTES // 4 or len(path.encode("utf-8", "surrogatepass")) <= MAX_PATH_BYTES
    ):
        return
    problem = f"is {depth} folders deep" if depth > MAX_DEPTH else f"is longer than {MAX_PATH_BYTES} bytes"
    raise Refused(
        f"{where} names a path that {problem}: {path[:60]!r}...",
        f"at most {MAX_DEPTH} folders inside one another can be tracked: put the deepest into an archive",
        [path],
    )


def fold(name: str) -> str:
    """Gives the form in which file systems that ignore case and Unicode form compare `name`."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def twins(names: Iterable[str]) -> tuple[str, str] | None:
    """Gives two of `names` that differ only in case or Unicode form, or None when there are none."""
    seen: dict[str, str] = {}
    for name in names:
        folded = fold(name)
        if folded in seen:
            return seen[folded], name
        seen[folded] = name
    return None


def open_folder(root: int, parts: Sequence[str], *, create: bool = False) -> int:
    """Opens the folder `parts` below the folder descriptor `root`, never through a symbolic link.

    With `create` missing folders are made. Gives a new descriptor that the caller closes. Raises `Refused` when a
    component is a symbolic link, `FileNotFoundError` and `NotADirectoryError` as usual.
    """
    fd = os.dup(root)
    try:
        for index, part in enumerate(parts):
            if create:
                try:
                    os.mkdir(part, 0o777, dir_fd=fd)
                except FileExistsError:
                    pass
            inner = open_subfolder(fd, part, "/".join(parts[: index + 1]))
            os.close(fd)
            fd = inner
    except BaseException:
        os.close(fd)
        raise
    return fd


def open_subfolder(parent: int, name: str, shown_as: str) -> int:
    """Opens the folder `name` in the folder descriptor `parent`; raises `Refused` when it is a symbolic link."""
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(parent, name):
            raise Refused(
                f"{shown_as} is a symbolic link where a folder is expected; dvcx does not write through links",
                f"remove or rename the link {shown_as} and run the command again",
                [shown_as],
            ) from None
        raise


def _is_link(parent: int, name: str) -> bool:
    try:
        return (os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode & 0o170000) == 0o120000
    except FileNotFoundError:
        return False
