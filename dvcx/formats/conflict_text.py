"""A pointer file in conflict, as text: what is to be decided, and both halves between Git's usual markers.

# dvcx: both sides changed these files of data, each in its own way:
#     data/train/1.csv  (ours 1.8 KiB, theirs deleted)
# `dvcx resolve --ours data` takes ours; or --theirs, or --both. A single file can be named, too.
# All other changes of both sides are in either version below.
<<<<<<< ours: main
dvcx: 1
...
=======
dvcx: 1
...
>>>>>>> theirs: feature
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

_MERGED = "# dvcx: both sides changed these"
_NOT_MERGED = "# dvcx: the two versions of this data were not merged: "
_MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class ConflictText:
    """The two halves of a pointer file in conflict, as texts; a half of a side without the data is empty.

    `is_merged`: dvcx made the halves, so that they differ in what is in conflict and in nothing else.
    """

    ours: str
    theirs: str
    is_merged: bool


def print_conflict(
    path: str, ours: str, theirs: str, lines: Sequence[tuple[str, str]], labels: tuple[str, str] = ("", "")
) -> str:
    """Gives the text for the data at `path`; `lines` are what is in conflict, each with what both sides have."""
    named = [f"#     {_plain(name)}  ({what})" for name, what in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        named.append(f"#     and {len(lines) - _MOST_LINES} more")
    head = [
        f"{_MERGED} files of {_plain(path)}, each in its own way:",
        *named,
        f"# `dvcx resolve --ours {_plain(path)}` takes ours; or --theirs, or --both. A single file can be named, too.",
        "# All other changes of both sides are in either version below.",
    ]
    return "\n".join(head) + "\n" + _halves(ours, theirs, labels)


def print_unmerged(path: str, ours: str, theirs: str, why: str, labels: tuple[str, str] = ("", "")) -> str:
    """Gives the text for data whose versions could not be merged because of `why`, which is one line."""
    head = [f"{_NOT_MERGED}{_plain(why)}", f"# When that is put right: `dvcx resolve {_plain(path)}` merges them."]
    return "\n".join(head) + "\n" + _halves(ours, theirs, labels)


def parse_conflict(text: str) -> ConflictText | None:
    """Gives the halves of a pointer file that is all one conflict, or None when it is not."""
    lines = text.splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    places = [start]
    for mark in ("=======", ">>>>>>> "):
        at = next((at for at in range(places[-1] + 1, len(lines)) if lines[at].startswith(mark)), None)
        if at is None or not lines[start].startswith("<<<<<<< "):
            return None
        places.append(at)
    _, middle, end = places
    if end != len(lines) - 1:
        return None
    ours = lines[start + 1 : middle]
    base = next((at for at, line in enumerate(ours) if line.startswith("||||||| ")), len(ours))  # merge.conflictStyle
    return ConflictText("".join(ours[:base]), "".join(lines[middle + 1 : end]), text.startswith(_MERGED))


def has_conflict_markers(text: str) -> bool:
    """Tells whether a text has the markers that a merge leaves where it needs somebody to decide."""
    return any(line.startswith(("<<<<<<< ", ">>>>>>> ")) for line in text.splitlines())


def _halves(ours: str, theirs: str, labels: tuple[str, str]) -> str:
    first, second = (f": {_plain(label)}" if label else "" for label in labels)
    return f"<<<<<<< ours{first}\n{ours}=======\n{theirs}>>>>>>> theirs{second}\n"


def _plain(text: str) -> str:
    """Gives a name so that it stays on its line and cannot act on a terminal."""
    return text if text.isprintable() else json.dumps(text)
