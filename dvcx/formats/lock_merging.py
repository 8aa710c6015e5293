"""Merging `dvcx.lock`: each stage's record as a whole, because half a record of one run and half of another is of none.

It goes by the lines that dvcx writes: `stages:`, below it each stage's name with two spaces before it, sorted, and all
of its record with more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

_STAGES = "stages:\n"
_NONE = "stages: {}\n"


@dataclass(frozen=True, slots=True)
class MergedLock:
    """The text of a merged lock file, and the stages that are in conflict; each of them is between markers."""

    text: str
    conflicts: tuple[str, ...]


def merge_locks(base: str, ours: str, theirs: str, labels: tuple[str, str] = ("", "")) -> MergedLock | None:
    """Merges stage by stage; None for texts that are not as dvcx writes them, or differ in what is above the stages.

    A stage that only one side recorded anew has that record. One that both did, with other results, is a conflict.
    """
    parts = [_taken_apart(text) for text in (base, ours, theirs)]
    if any(part is None for part in parts):
        return None
    (first, before), (second, mine), (third, other) = (part for part in parts if part is not None)
    head = second if second == third or third == first else third if second == first else None
    if head is None:
        return None
    blocks = []
    conflicts = []
    for name in sorted(mine.keys() | other.keys(), key=_plain):
        old, new, their = before.get(name), mine.get(name), other.get(name)
        if new == their or their == old:
            blocks.append(new or "")
        elif new == old:
            blocks.append(their or "")
        else:
            conflicts.append(_plain(name))
            blocks.append(_between_markers(new or "", their or "", labels))
    body = "".join(blocks)
    return MergedLock(head + (_STAGES + body if body else _NONE), tuple(conflicts))


def take_side(text: str, *, ours: bool) -> str:
    """Gives a text without the markers of a merge: of each conflict one side. A shown base is left out, too."""
    kept = []
    part = ""
    for line in text.splitlines(keepends=True):
        if line.startswith("<<<<<<< "):
            part = "ours"
        elif part == "ours" and line.startswith("||||||| "):
            part = "base"
        elif part in ("ours", "base") and line.startswith("=======") and line.strip() == "=======":
            part = "theirs"
        elif part == "theirs" and line.startswith(">>>>>>> "):
            part = ""
        elif part in ("", "ours" if ours else "theirs"):
            kept.append(line)
    return "".join(kept)


def _taken_apart(text: str) -> tuple[str, dict[str, str]] | None:
    """Gives what is above the stages, and the lines of each stage by its name as it is written."""
    if not text:
        return "", {}
    if text.endswith(_NONE) and "\nstages:" not in text.removesuffix(_NONE):
        return text.removesuffix(_NONE), {}
    lines = text.splitlines(keepends=True)
    if _STAGES not in lines or not text.endswith("\n"):
        return None
    at = lines.index(_STAGES)
    return _blocks("".join(lines[:at]), lines[at + 1 :])


def _blocks(head: str, lines: Iterable[str]) -> tuple[str, dict[str, str]] | None:
    blocks: dict[str, str] = {}
    name = ""
    for line in lines:
        if not line.startswith("  ") or line.startswith("  #"):
            return None
        if not line.startswith("   "):
            name = line.rstrip("\n")
            if name in blocks or not name.endswith(":"):
                return None
            blocks[name] = line
        elif name:
            blocks[name] += line
        else:
            return None
    return head, blocks


def _between_markers(ours: str, theirs: str, labels: tuple[str, str]) -> str:
    first, second = (f": {label}" if label.isprintable() and label else "" for label in labels)
    return f"<<<<<<< ours{first}\n{ours}=======\n{theirs}>>>>>>> theirs{second}\n"


def _plain(name: str) -> str:
    text = name.strip().removesuffix(":")
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    return text
