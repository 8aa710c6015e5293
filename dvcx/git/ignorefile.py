"""Lines in a `.gitignore` that make Git ignore one file or folder beside it, and nothing else: text in, text out.

The text of an ignore file is decoded with `errors="surrogateescape"` and without translating line ends, so that what
dvcx does not touch stays byte for byte. The pattern language is that of gitignore(5).
"""

from __future__ import annotations

from collections.abc import Iterable

from dvcx.base.errors import Refused


def with_lines(text: str, names: Iterable[str]) -> str:
    """Gives `text` with a line for each of `names` that ignores it; `text` itself when it has them already.

    New lines go to the end, where they win over what stands before them, with the line end that the file uses. Raises
    `Refused` for a name that no line can express.
    """
    present = {_content(each) for each in _lines(text)}
    new = [line for line in dict.fromkeys(map(ignore_line, names)) if line not in present]
    if not new:
        return text
    end = _line_end(text)
    if text and not text.endswith("\n"):
        text += end
    return text + "".join(line + end for line in new)


def without_lines(text: str, names: Iterable[str]) -> str:
    """Gives `text` without the lines that `with_lines` would write for `names`; all else stays as it is."""
    lines = set(map(ignore_line, names))
    return "".join(each for each in _lines(text) if _content(each) not in lines)


def has_lines(text: str, names: Iterable[str]) -> set[str]:
    """Gives those of `names` for which `text` has the line that `with_lines` would write."""
    present = {_content(each) for each in _lines(text)}
    return {name for name in names if ignore_line(name) in present}


def with_line(text: str, name: str) -> str:
    """Does what `with_lines` does, for one name."""
    return with_lines(text, [name])


def without_line(text: str, name: str) -> str:
    """Does what `without_lines` does, for one name."""
    return without_lines(text, [name])


def has_line(text: str, name: str) -> bool:
    """Tells what `has_lines` tells, of one name."""
    return bool(has_lines(text, [name]))


def ignore_line(name: str) -> str:
    """Gives the ignore pattern for exactly the entry `name` of the folder of the ignore file, without a line end.

    Raises `Refused` for a name with a newline, which ignore files cannot express.
    """
    if "\n" in name:
        raise Refused(
            f"{name!r} has a newline in its name, which a .gitignore cannot express",
            "rename it, or put it into a folder and add the folder",
            [name],
        )
    if not name or "/" in name or "\0" in name or name in (".", ".."):
        raise Refused(f"{name!r} is not the name of one file or folder", "give the name without a path", [name])
    # The slash ties the pattern to this folder; behind it neither `#` nor `!` at the begin of the name is special.
    pattern = "/" + "".join("\\" + letter if letter in "\\*?[" else letter for letter in name)
    kept = pattern.rstrip(" ")
    pattern = kept + "\\ " * (len(pattern) - len(kept))  # git strips plain spaces from the end of a line ...
    return pattern[:-1] + "[\r]" if pattern.endswith("\r") else pattern  # ... and one carriage return


def _lines(text: str) -> list[str]:
    lines = text.split("\n")  # not splitlines: a name may hold a form feed or another of Unicode's line ends
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _content(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _line_end(text: str) -> str:
    first = text.split("\n", 1)[0]
    return "\r\n" if "\n" in text and first.endswith("\r") else "\n"
