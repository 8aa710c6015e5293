"""Merging texts line by line, as Git itself would, and the versions of a file that a merge left in the index."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from dvcx.git.files import list_index
from dvcx.git.location import GitLocation
from dvcx.git.objects import ObjectReader
from dvcx.git.process import GitFailed, ask_git


@dataclass(frozen=True, slots=True)
class Versions:
    """The three versions of a file in a merge; one that does not exist is empty. `labels` name both sides."""

    base: bytes
    ours: bytes
    theirs: bytes
    labels: tuple[str, str] = ("", "")

    @property
    def texts(self) -> tuple[bytes, bytes, bytes]:
        """Base, ours and theirs."""
        return self.base, self.ours, self.theirs


def merge_lines(git: GitLocation, versions: Versions) -> tuple[bytes, int]:
    """Gives the text that `git merge-file` makes, and how many conflicts. Raises `GitFailed` for what is no text."""
    with tempfile.TemporaryDirectory(prefix="dvcx-merge-") as folder:
        names = []
        for name, text in zip(("base", "ours", "theirs"), versions.texts, strict=True):
            names.append(os.path.join(folder, name))
            with open(names[-1], "wb") as file:
                file.write(text)
        base, ours, theirs = names
        first, second = (label or side for label, side in zip(versions.labels, ("ours", "theirs"), strict=True))
        args = ["merge-file", "--stdout", "-L", first, "-L", "base", "-L", second, ours, base, theirs]
        answer = ask_git(git, args)
    if not 0 <= answer.code <= 127:
        raise GitFailed(args, answer.code, answer.err)
    return answer.out, answer.code


def unmerged_versions(git: GitLocation, under: str = "") -> dict[str, Versions]:
    """Gives the versions of each file that dvcx reads and that the index has in conflict, by its path.

    `under` is a folder, relative to the top of the work tree. Raises `GitFailed` when the index is damaged.
    """
    oids: dict[str, dict[int, str]] = {}
    for file in list_index(git, under=under):
        if file.stage:
            oids.setdefault(file.path, {})[file.stage] = file.oid
    with ObjectReader(git) as reader:
        return {
            path: Versions(_stage(reader, stages, 1), _stage(reader, stages, 2), _stage(reader, stages, 3))
            for path, stages in oids.items()
        }


def _stage(reader: ObjectReader, stages: Mapping[int, str], number: int) -> bytes:
    return (reader.read(stages[number]) or b"") if number in stages else b""
