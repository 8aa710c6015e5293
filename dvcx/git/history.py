"""Walking the history of pointer files: every version that ever was, and the commits that changed given paths.

One `git log --raw` process does the walk (10,000 commits in about 0.3 s); its answer is parsed while it runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dvcx.base.errors import UsageError
from dvcx.git.files import list_tree
from dvcx.git.location import GitLocation
from dvcx.git.process import run_git, stream_git
from dvcx.git.revisions import resolve
from dvcx.git.roots import Root
from dvcx.model.pointer import SUFFIX

_CHUNK = 256 * 1024
# What the user's own configuration could change about the answer is said explicitly.
_RAW = (
    *("-c", "log.showRoot=true", "-c", "log.follow=false"),
    *("log", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-show-signature", "--no-color", "--no-ext-diff"),
    *("--no-notes", "--no-decorate", "--no-mailmap", "--no-relative", "--encoding=UTF-8"),
)
_POINTER_SPECS = (f":(top,glob)**/?*{SUFFIX}", ":(top,glob)**/dvcx.lock")
# For what deletes data: the commits as they are, not as `git replace` or a graft shows them. Replacements are refs, so
# they are roots of their own.
_UNDISGUISED = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull}
_REGULAR = b"100"  # the modes 100644 and 100755; neither symbolic links nor submodules


@dataclass(frozen=True, slots=True)
class PointerBlob:
    """One version of a pointer or lock file: its path, blob id, and a commit that has it."""

    path: str
    oid: str
    commit: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that a commit changed: `status` is A, D, M or T; the id of a side that is not there is None."""

    status: str
    path: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """A commit with the changes asked for; of a merge, the files that are unlike every parent's, against the first."""

    sha: str
    author: str
    email: str
    date: datetime
    subject: str
    files: tuple[FileChange, ...]


def pointer_blobs_of_history(
    location: GitLocation, roots: Sequence[Root], since: datetime | None = None
) -> Iterator[PointerBlob]:
    """Gives each distinct version of a `*.dvcx` or `dvcx.lock` file in any commit that `roots` reach, newest first.

    With `since` (an aware time): the versions in the commits made after it, and always those in the roots themselves; a
    version that was made earlier and was still there counts. A shallow clone gives what it has
    (`missing_history` tells what is not there). Raises `GitFailed` when a commit or folder cannot be read.
    """
    seen: set[str] = set()
    for found in _pointer_blobs(location, roots, since):
        if found.oid not in seen:
            seen.add(found.oid)
            yield found


def commits_touching(
    location: GitLocation, paths: Sequence[str], revision: str = "HEAD", limit: int | None = None
) -> Iterator[CommitInfo]:
    """Gives the commits reachable from `revision` that changed one of `paths`, newest first, at most `limit` of them.

    `paths` are files or folders relative to the top of the work tree, taken literally. History is simplified as `git
    log` does it. Raises `NoSuchRevision`.
    """
    if not paths:
        raise UsageError("no path was given to look for in the history", "name a file: `dvcx log data.dvcx`")
    commit = resolve(location, revision)
    args = [*_RAW, "--diff-merges=combined", "--format=%x01%H%x00%an%x00%ae%x00%aI%x00%s"]
    if limit is not None:
        args.append(f"--max-count={limit}")
    args += ["--end-of-options", commit, "--", *(f":(top,literal){path}" for path in paths)]
    for fields, changes in _commits(location, args, header_fields=5):
        sha, author, email, date, subject = (field.decode(errors="replace") for field in fields)
        yield CommitInfo(sha, author, email, commit_time(date), subject, tuple(_change(*change) for change in changes))


def pointer_blobs_between(location: GitLocation, new: Sequence[str], known: Sequence[str]) -> Iterator[PointerBlob]:
    """Gives each distinct version of a `*.dvcx` or `dvcx.lock` file that a commit brings which `new` reach and `known`
    do not, newest first.

    Both are ids; known ones that are not here are passed over. Raises `GitFailed` when a commit cannot be read.
    """
    asked = "".join(f"{commit}\n" for commit in known).encode()
    answer = run_git(location, ["cat-file", "--batch-check=%(objectname) %(objecttype)"], stdin=asked) if known else b""
    here = [line.split()[0].decode() for line in answer.splitlines() if line.endswith((b" commit", b" tag"))]
    starts = "".join([*(f"{commit}\n" for commit in new), *(f"^{commit}\n" for commit in here)]).encode()
    seen: set[str] = set()
    args = [*_RAW, "--diff-merges=separate", "--full-history", "--format=%x01%H", "--stdin", "--", *_POINTER_SPECS]
    for (sha,), changes in _commits(location, args, header_fields=1, stdin=starts):
        for meta, path in changes:
            _, mode, _, oid, _ = meta.split(b" ")
            if mode.startswith(_REGULAR) and oid.decode() not in seen:
                seen.add(oid.decode())
                yield PointerBlob(os.fsdecode(path), oid.decode(), sha.decode())


def remote_tips(location: GitLocation, remote: str) -> list[str]:
    """Gives the ids of the commits that the branches of the Git remote `remote` were at when last heard of."""
    args = ["for-each-ref", "--format=%(objectname)", f"refs/remotes/{_plain_name(remote)}"]
    return run_git(location, args).decode().split() if _plain_name(remote) else []


def _plain_name(remote: str) -> str:
    """Gives the name of a remote, "" for an address, which has no branches here."""
    return remote if not any(letter in remote for letter in ":*?[\\ \n\0") and not remote.startswith("-") else ""


def reachable_commits(location: GitLocation) -> list[str]:
    """Gives the ids of all commits that the current one and any ref reach, newest first."""
    return run_git(location, ["rev-list", "--all", "HEAD", "--date-order"]).decode().split()


def _pointer_blobs(location: GitLocation, roots: Sequence[Root], since: datetime | None) -> Iterator[PointerBlob]:
    trees = [root.commit for root in roots if root.is_tree]
    commits = list(dict.fromkeys(root.commit for root in roots if not root.is_tree))
    walk = [*_RAW, "--diff-merges=separate", "--full-history", "--format=%x01%H"]
    starts = "".join(f"{commit}\n" for commit in commits).encode()
    if since is not None:
        after = f"--since={since.isoformat()}"
        walk.append(after)
        trees += dict.fromkeys([*commits, *_oldest(location, starts, after)])
    for tree in trees:
        yield from _pointers_in(location, tree)
    if not commits:
        return
    # Merges are compared with each parent, on all sides of the history: a version that only a merge commit has, and one
    # that a merge threw away, both come.
    args = [*walk, "--stdin", "--", *_POINTER_SPECS]
    for (sha,), changes in _commits(location, args, header_fields=1, stdin=starts, extra=_UNDISGUISED):
        commit = sha.decode()
        for meta, path in changes:
            _, mode, _, oid, _ = meta.split(b" ")
            if mode.startswith(_REGULAR):
                yield PointerBlob(os.fsdecode(path), oid.decode(), commit)


def _oldest(location: GitLocation, starts: bytes, after: str) -> list[str]:
    """Gives the commits after the time none of whose parents is: what they have unchanged shows in no difference."""
    lines = run_git(
        location, ["rev-list", "--parents", after, "--stdin"], stdin=starts, extra=_UNDISGUISED
    ).splitlines()
    parents_by_commit = {commit: parents for commit, *parents in map(bytes.split, lines)}
    return [
        commit.decode()
        for commit, parents in parents_by_commit.items()
        if not any(parent in parents_by_commit for parent in parents)
    ]


def _pointers_in(location: GitLocation, tree: str) -> Iterator[PointerBlob]:
    for file in list_tree(location, tree):
        if file.is_regular and file.path.endswith((SUFFIX, "dvcx.lock")):
            yield PointerBlob(file.path, file.oid, tree)


def _commits(
    location: GitLocation,
    args: Sequence[str],
    *,
    header_fields: int,
    stdin: bytes = b"",
    extra: dict[str, str] | None = None,
) -> Iterator[tuple[list[bytes], list[tuple[bytes, bytes]]]]:
    """Gives, for each commit that `git log` prints, the fields of its header and its raw lines with their paths.

    The answer is a row of texts that end in NUL: first the header's (the first one begins with 0x01), then pairs of a
    line that begins with a colon and a path. Counting them keeps any name from being taken for something else.
    """
    header: list[bytes] = []
    changes: list[tuple[bytes, bytes]] = []
    with stream_git(location, args, stdin=stdin, extra=extra) as output:
        texts = _texts(iter(lambda: output.read(_CHUNK), b""))
        for text in texts:
            text = text.removeprefix(b"\n")
            if text.startswith(b":"):
                changes.append((text, next(texts)))
            elif text.startswith(b"\x01"):
                if header:
                    yield header, changes
                header = [text[1:], *(next(texts) for _ in range(header_fields - 1))]
                changes = []
    if header:
        yield header, changes


def _texts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest


def _change(meta: bytes, path: bytes) -> FileChange:
    # One colon for each parent, then the modes and the ids of all parents and of the result.
    parents = len(meta) - len(meta.lstrip(b":"))
    fields = meta[parents:].decode().split(" ")
    oids, status = fields[parents + 1 : -1], fields[-1]
    return FileChange(status[:1], os.fsdecode(path), _oid_or_none(oids[0]), _oid_or_none(oids[-1]))


def _oid_or_none(oid: str) -> str | None:
    return oid if oid.strip("0") else None


def commit_time(text: str) -> datetime:
    """Gives the time that Git prints for a commit; 1970 for an impossible one."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # commits with impossible dates exist
        return datetime.fromtimestamp(0, UTC)
