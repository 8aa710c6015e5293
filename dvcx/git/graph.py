"""The history of one file as a graph, and who made which commit: for `dvcx blame`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from dvcx.git.history import commit_time
from dvcx.git.location import GitLocation
from dvcx.git.process import run_git, stream_git


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a commit, when and what for."""

    name: str
    email: str
    date: datetime
    subject: str


def commits_of_file(location: GitLocation, path: str, commit: str) -> Iterator[tuple[str, list[str]]]:
    """Gives the commits reachable from `commit` that changed the file at `path`, each with those that came before it.

    Children come before their parents. History is simplified as `git log` does it: a merge that took one side's file
    is left out, with the other side.
    """
    args = ["rev-list", "--parents", "--topo-order", "--end-of-options", commit, "--", f":(top,literal){path}"]
    with stream_git(location, args) as lines:
        for line in lines:
            sha, *parents = line.decode().split()
            yield sha, parents


def authors_of(location: GitLocation, commits: Iterable[str]) -> dict[str, Author]:
    """Gives who made each of `commits` (ids)."""
    asked = "".join(f"{commit}\n" for commit in commits).encode()
    if not asked:
        return {}
    fields = ("%H", "%an", "%ae", "%aI", "%s")
    args = ["log", "--no-walk=unsorted", "-z", "--no-show-signature", "--no-mailmap", "--encoding=UTF-8"]
    args += [f"--format={'%x01'.join(fields)}", "--no-patch", "--no-notes", "--no-decorate", "--no-color", "--stdin"]
    found = {}
    for record in run_git(location, args, stdin=asked).decode("utf-8", "replace").split("\0"):
        if record:
            sha, name, email, date, subject = record.split("\1", 4)
            found[sha] = Author(name, email, commit_time(date), subject)
    return found
