"""The lines in `.gitattributes` that give dvcx's files to its drivers: text in, text out."""

from __future__ import annotations

FILE = ".gitattributes"
_HEAD = "# dvcx: pointers are merged and compared by the files that they stand for; ignore lines of both sides are kept"
_LINES = ("*.dvcx merge=dvcx diff=dvcx", "dvcx.lock merge=dvcx", ".gitignore merge=union")


def with_drivers(text: str) -> str:
    """Gives `text` with the lines that it lacks. What it says already stays, and what comes later in it counts."""
    present = {line.strip() for line in text.splitlines()}
    named = {line.split()[0] for line in present if line}
    # A pattern that people gave lines of their own is left to them, but for pointers.
    lacking = [line for line in _LINES if line not in present and (line.split()[0] not in named or "*" in line)]
    if not lacking:
        return text
    if text and not text.endswith("\n"):
        text += "\n"
    return text + "\n".join([_HEAD, *lacking] if _HEAD not in present else lacking) + "\n"


def names_drivers(text: str) -> bool:
    """Tells whether pointers are given to the merge driver."""
    return any(line.strip().startswith("*.dvcx ") and "merge=dvcx" in line for line in text.splitlines())
