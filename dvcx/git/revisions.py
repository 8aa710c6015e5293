"""Turning what a user calls a revision into a commit. A revision is data: it can never act as an option of git."""

from __future__ import annotations

import re

from dvcx.base.errors import UsageError
from dvcx.git.location import GitLocation
from dvcx.git.process import ask_git, run_git

_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class NoSuchRevision(UsageError):
    """The revision names no commit of this repository: `revision` as typed, `close` the names it may be meant for."""

    def __init__(self, message: str, hint: str, revision: str, close: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.revision = revision
        self.close = close


def resolve(location: GitLocation, revision: str, elsewhere: str | None = None) -> str:
    """Gives the full id of the commit that `revision` names: a branch, tag, id, `HEAD~2`, `v1^{commit}`, `:/message`.

    `elsewhere` is the address or folder of a repository that is not the user's own. Raises `NoSuchRevision`, with
    branch and tag names that look alike in the hint.
    """
    if revision and "\0" not in revision:
        # Behind ":/text" all is text to look for, and what is found is a commit anyway.
        name = revision if revision.startswith(":/") else f"{revision}^{{commit}}"
        answer = ask_git(location, ["rev-parse", "--verify", "--quiet", "--end-of-options", name])
        oid = answer.out.decode(errors="replace").strip()
        if answer.code == 0 and _OID.fullmatch(oid):  # "^main" would give an id with a caret
            return oid
    raise _no_such_revision(location, revision, elsewhere)


def resolve_or_none(location: GitLocation, revision: str) -> str | None:
    """Gives what `resolve` does, or None when there is no such commit: for HEAD before the first commit."""
    try:
        return resolve(location, revision)
    except NoSuchRevision:
        return None


def branches_and_tags(location: GitLocation) -> list[str]:
    """Gives the short names of all branches, tags and remote branches."""
    args = ["for-each-ref", "--format=%(refname:strip=2)", "refs/heads", "refs/tags", "refs/remotes"]
    return run_git(location, args).decode(errors="replace").splitlines()


def _no_such_revision(location: GitLocation, revision: str, elsewhere: str | None) -> NoSuchRevision:
    from difflib import get_close_matches  # only on the way out
    from shlex import quote

    names = branches_and_tags(location)
    if not names and revision == "HEAD":
        if elsewhere is not None:
            return NoSuchRevision(f"the repository {elsewhere} has no commits yet", "push some to it", revision)
        return NoSuchRevision("this Git repository has no commits yet", "make one: `git commit -m ...`", revision)
    close = tuple(get_close_matches(revision, names, n=3, cutoff=0.6))
    where, listing = "this Git repository", "`git branch -a` and `git tag` list"
    if elsewhere is not None:
        where, listing = f"the Git repository {elsewhere}", f"`git ls-remote {quote(elsewhere)}` lists"
    hint = f"did you mean {' or '.join(close)}?" if close else f"{listing} the names there are"
    return NoSuchRevision(f"no commit is called {revision!r} in {where}", hint, revision, close)
