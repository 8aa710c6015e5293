"""Every commit that somebody could still want: the refs, stashes, heads and half-done merges of all worktrees.

What deletes data asks here first. So the answer is complete or an error: a ref that cannot be read raises
`UnreadableRoot` instead of being left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import Refused
from dvcx.git.location import GitLocation
from dvcx.git.process import GitAnswer, ask_git, run_git
from dvcx.git.worktrees import worktrees

_OID = re.compile(rb"\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b")
# Where git keeps commits during a merge, rebase, cherry-pick, revert or bisect; the content begins with ids, one a
# line.
_IN_PROGRESS = (
    *("MERGE_HEAD", "ORIG_HEAD", "REBASE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_HEAD", "FETCH_HEAD"),
    *("AUTO_MERGE", "MERGE_AUTOSTASH", "sequencer/head", "sequencer/abort-safety"),
    *("rebase-merge/orig-head", "rebase-merge/onto", "rebase-merge/stopped-sha", "rebase-merge/autostash"),
    *("rebase-apply/orig-head", "rebase-apply/onto", "rebase-apply/original-commit", "rebase-apply/autostash"),
)
_REF_FORMAT = "%(objectname) %(objecttype) %(*objectname) %(*objecttype) %(refname)"
_OWN_REFS = (
    "refs/bisect",
    "refs/worktree",
    "refs/rewritten",
)  # gitglossary: the refs that each worktree has for itself


class UnreadableRoot(Refused):
    """A ref, stash or HEAD cannot be read, so it is unknown which data is still wanted; `root` names it."""

    def __init__(self, root: str, reason: str, hint: str) -> None:
        super().__init__(f"{root} cannot be read, so nobody can tell which data it needs: {reason}", hint, [root])
        self.root = root


@dataclass(frozen=True, slots=True)
class Root:
    """Something that keeps a commit wanted: its name for people, and the commit's id.

    `is_tree`: the ref names a bare tree, not a commit (`git tag data HEAD^{tree}`); `commit` is then the tree's id.
    Both can be listed by `list_tree`.
    """

    name: str
    commit: str
    is_tree: bool = False


@dataclass(frozen=True, slots=True)
class MissingHistory:
    """What a clone does not have: the parents of the `shallow` commits; if `partial`, objects left at the remote."""

    shallow: tuple[str, ...]
    partial: bool

    def __bool__(self) -> bool:
        return bool(self.shallow) or self.partial


def all_roots(location: GitLocation) -> list[Root]:
    """Gives every ref of any kind, stash entry, HEAD of a worktree and head of an unfinished merge or rebase.

    Tags are peeled; refs to a blob are left out, since they hold no folder. The same commit comes once for each name.
    Raises `UnreadableRoot` when one cannot be read. An id in a file such as ORIG_HEAD that Git itself has let go is
    passed over.
    """
    roots = list(_refs(location, "", ()))
    if any(root.name == "refs/stash" for root in roots):
        roots += _stashes(location)
    for worktree in worktrees(location):
        prefix = "" if worktree.git_dir == worktree.common_dir else f"worktrees/{worktree.git_dir.name}/"
        if prefix:
            roots += _refs(worktree, prefix, _OWN_REFS)
        roots += _head(worktree, prefix)
        roots += _in_progress(worktree, prefix)
    return roots


def reflog_roots(location: GitLocation) -> list[Root]:
    """Gives the commits that a reflog remembers: branches that were deleted, commits that were amended.

    Only for finding names: nobody relies on them, so those that are lost are left out.
    """
    answer = ask_git(location, ["log", "--reflog", "--no-walk=unsorted", "--no-show-signature", "--format=%H"])
    return [Root("reflog", oid) for oid in answer.out.decode().split()] if answer.code == 0 else []


def missing_history(location: GitLocation) -> MissingHistory:
    """Tells what a shallow or partial clone does not have; falsy when the history is complete."""
    try:
        text = (location.common_dir / "shallow").read_bytes()
    except FileNotFoundError:
        text = b""
    asked = ["config", "--name-only", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$"]
    return MissingHistory(tuple(text.decode().split()), partial=ask_git(location, asked).code == 0)


def _refs(location: GitLocation, prefix: str, patterns: tuple[str, ...]) -> Iterator[Root]:
    answer = ask_git(location, ["for-each-ref", f"--format={_REF_FORMAT}", *patterns])
    _check_refs(prefix, answer)
    for line in answer.out.decode("utf-8", "surrogateescape").splitlines():
        oid, kind, peeled, peeled_kind, name = line.split(" ")
        if kind == "tag":
            oid, kind = peeled, peeled_kind
            if kind == "tag":  # a tag of a tag: older git peels one level only
                oid, kind = _peel(location, oid, prefix + name)
        if kind in ("commit", "tree"):
            yield Root(prefix + name, oid, is_tree=kind == "tree")


def _check_refs(prefix: str, answer: GitAnswer) -> None:
    # Git only warns of a ref with a damaged file. A dangling symbolic ref (origin/HEAD of a deleted branch) is no loss.
    for line in answer.err.splitlines():
        if "ignoring broken ref" in line or "ignoring ref with broken name" in line:
            raise _unreadable(prefix + line.rsplit(" ", 1)[-1], line.removeprefix("warning: "))
    if answer.code != 0:
        reason = answer.err.strip().removeprefix("fatal: ")
        name = re.search(r"\brefs/\S+", reason)
        raise _unreadable(prefix + (name.group() if name else "HEAD"), reason)


def _peel(location: GitLocation, tag: str, name: str) -> tuple[str, str]:
    answer = ask_git(location, ["cat-file", "--batch-check"], stdin=f"{tag}^{{}}\n".encode())
    fields = answer.out.decode().split()
    if answer.code != 0 or len(fields) != 3:
        raise _unreadable(name, f"the object that its tag {tag} names is missing")
    return fields[0], fields[1]


def _stashes(location: GitLocation) -> Iterator[Root]:
    entries = _reflog(location, "refs/stash")
    kinds = run_git(location, ["cat-file", "--batch-check"], stdin="".join(f"{oid}\n" for oid in entries).encode())
    for number, (commit, line) in enumerate(zip(entries, kinds.decode().splitlines(), strict=True)):
        if not line.startswith(f"{commit} commit "):
            raise _unreadable(f"stash@{{{number}}}", f"its commit {commit} is missing")
        yield Root(f"stash@{{{number}}}", commit)


def _reflog(location: GitLocation, ref: str) -> list[str]:
    """Gives the ids in the reflog, newest first. Read by hand: git leaves out entries whose commit is lost."""
    try:
        lines = (location.common_dir / "logs" / ref).read_bytes().splitlines()
    except FileNotFoundError:  # refs in a reftable have their log there, too
        return run_git(location, ["log", "-g", "--no-show-signature", "--format=%H", ref, "--"]).decode().split()
    return [line.split(b" ", 2)[1].decode() for line in reversed(lines)]


def _head(location: GitLocation, prefix: str) -> Iterator[Root]:
    name = f"{prefix}HEAD"
    answer = ask_git(location, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
    if answer.code == 0:
        yield Root(name, answer.out.decode().strip())
        return
    symbolic = ask_git(location, ["symbolic-ref", "--quiet", "HEAD"])
    branch = symbolic.out.decode(errors="replace").strip()
    if symbolic.code != 0 or not branch:
        raise _unreadable(name, answer.err.strip().removeprefix("fatal: ") or "it names no commit that is here")
    # Before the first commit HEAD names a branch that does not exist: nothing to keep. (A branch that exists and
    # cannot be read was found among the refs.)
    if ask_git(location, ["show-ref", "--verify", "--quiet", branch]).code == 0:
        raise _unreadable(name, f"the commit of {branch} is missing")


def _in_progress(location: GitLocation, prefix: str) -> list[Root]:
    found = [(prefix + name, oid) for name in _IN_PROGRESS for oid in _ids_in(location.git_dir / name, prefix + name)]
    if not found:
        return []
    asked = "".join(f"{oid}^{{}}\n" for _, oid in found).encode()
    lines = run_git(location, ["cat-file", "--batch-check"], stdin=asked).decode().splitlines()
    roots = []
    for (name, _), line in zip(found, lines, strict=True):
        oid, kind, *_ = [*line.split(" "), ""]
        if kind in ("commit", "tree"):
            roots.append(Root(name, oid, is_tree=kind == "tree"))
    return roots


def _ids_in(path: Path, name: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            lines = file.read(16 * 1024 * 1024).splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unreadable(name, os.strerror(error.errno or 0)) from error
    return [match.group().decode() for line in lines if (match := _OID.match(line))]


def _unreadable(root: str, reason: str) -> UnreadableRoot:
    hint = (
        "`git worktree prune` clears away worktrees that are gone"
        if root.startswith("worktrees/")
        else "`git fsck` shows the damage"
    )
    return UnreadableRoot(root, reason, f"{hint}; nothing was deleted")
