"""Mirrors of repositories elsewhere: bare, one commit deep, without file contents until they are asked for.

A mirror is a cache: it can be deleted at any time. Only these functions reach the network through git. No hook runs,
no submodule is entered, no `ext::` or other remote helper is started, nobody is asked for a password at a terminal;
the user's own credential helpers and keys are used as with any `git fetch`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from dvcx.base.errors import RemoteError, UsageError
from dvcx.base.locks import FileLock
from dvcx.git.location import GitLocation
from dvcx.git.process import GitFailed, ask_git, run_git
from dvcx.git.revisions import NoSuchRevision, resolve

_PROTOCOLS = "file:git:http:https:ssh"
_NETWORK = {"GIT_ALLOW_PROTOCOL": _PROTOCOLS}
_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false")
_FETCH = ("fetch", "--quiet", "--filter=blob:none", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
_URL = re.compile(r"(?i)(?:(?:file|git|https?|ssh|git\+ssh|ssh\+git)://|[\w.-]+@[\w.-]+:|[\w.-]{2,}:(?!/?/))")
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SECRET = re.compile(r"://[^/@\s]*:[^/@\s]*@")
_WAIT = 120.0
"""Seconds to wait for another process that fetches into the same mirror."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """The mirror of the repository at `url`; `folder` holds it and is ours to keep more in."""

    url: str
    folder: Path
    location: GitLocation

    def lock(self) -> FileLock:
        """Gives the lock that is held while something is fetched."""
        return FileLock(self.folder / "lock", f"the mirror of {self.url}")


def is_git_url(text: str) -> bool:
    """Tells whether `text` is the address of a Git repository elsewhere: a URL, or `host:path` as ssh has it."""
    return bool(_URL.match(text)) and "::" not in text


def check_git_url(url: str) -> None:
    """Raises `UsageError` for an address that git could take for anything but a place to read from."""
    if "::" in url or not _URL.match(url) or any(letter in url for letter in "\0\n\r"):
        raise UsageError(
            f"{url!r} is not the address of a Git repository",
            "write a folder, or an address such as https://host/team/project.git or git@host:team/project.git",
        )
    if _SECRET.search(url):
        raise UsageError(
            f"there is a password in {_SECRET.sub('://***@', url)}",
            "leave it away and give it to a Git credential helper: `git help credentials`",
        )


def open_mirror(url: str, mirrors: Path) -> Mirror:
    """Gives the mirror of the repository at `url` below the folder `mirrors`, a new and empty one the first time.

    Nothing is asked of the repository yet. Raises `UsageError` as `check_git_url` does.
    """
    check_git_url(url)
    folder = mirrors / hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    git_dir = folder / "git"
    mirror = Mirror(url, folder, GitLocation(git_dir, git_dir, git_dir, bare=True))
    if not (git_dir / "ready").exists():
        mirrors.mkdir(parents=True, exist_ok=True, mode=0o700)
        with mirror.lock().exclusive(_WAIT):
            if not (git_dir / "ready").exists():
                _make(mirror)
    return mirror


def _make(mirror: Mirror) -> None:
    git_dir = mirror.location.git_dir
    run_git(mirror.folder, ["init", "--quiet", "--bare", "--template=", str(git_dir)])
    for key, value in (
        ("remote.origin.url", mirror.url),
        ("remote.origin.promisor", "true"),
        ("remote.origin.partialclonefilter", "blob:none"),
    ):
        run_git(mirror.location, ["config", key, value])
    (git_dir / "ready").write_bytes(b"")


def fetch_commit(mirror: Mirror, revision: str | None = None) -> str:
    """Gives the id of the commit that `revision` names there now (None: what HEAD names), after fetching it.

    A full id that is here already costs no request; a branch or tag that has not moved one short one. Anything else
    that Git understands (`main~2`, a short id) takes the history of commits, without contents. Raises
    `NoSuchRevision`, and `RemoteError` when the repository cannot be reached.
    """
    if revision is not None and _OID.fullmatch(revision):
        if not _is_here(mirror, revision):
            _fetch(mirror, [f"+{revision}:refs/dvcx/{revision}"])
        return resolve(mirror.location, revision, mirror.url)
    found = _advertised(mirror, revision)
    if found is None:
        assert revision is not None
        return _from_history(mirror, revision)
    ref, oid = found
    if not _is_here(mirror, oid):
        _fetch(mirror, [f"+{ref}:refs/dvcx/{oid}"])
    return resolve(mirror.location, oid)


def fetch_blobs(mirror: Mirror, oids: Iterable[str]) -> None:
    """Makes the mirror hold the contents with these ids, asking for all that are not here at once."""
    present = run_git(
        mirror.location, ["cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)"]
    ).decode()
    absent = sorted(set(oids).difference(present.split()))
    if absent:
        # As git itself fetches what a partial clone lacks: without telling what is here.
        args = [*_SAFE, "-c", "fetch.negotiationAlgorithm=noop", *_FETCH, "origin", "--stdin"]
        with mirror.lock().exclusive(_WAIT):
            _ask(mirror, args, "\n".join(absent).encode() + b"\n")


def _is_here(mirror: Mirror, oid: str) -> bool:
    return ask_git(mirror.location, ["rev-parse", "--verify", "--quiet", f"refs/dvcx/{oid}^{{commit}}"]).code == 0


def _advertised(mirror: Mirror, revision: str | None) -> tuple[str, str] | None:
    """Gives the ref that the repository has for `revision`, and what it names; a tag before a branch, as Git does."""
    names = ["HEAD"] if revision in (None, "HEAD") else [revision, f"refs/tags/{revision}", f"refs/heads/{revision}"]
    patterns = [name for name in names if name]
    answer = _ask(mirror, [*_SAFE, "ls-remote", "--quiet", "--end-of-options", "origin", *patterns])
    lines = (line.partition("\t") for line in answer.decode(errors="replace").splitlines())
    oid_by_ref = {ref: oid for oid, _, ref in lines}
    for name in names:
        if name and name in oid_by_ref and (name == "HEAD" or name.startswith("refs/")):
            return name, oid_by_ref[name]
    if revision is None:
        raise NoSuchRevision(f"the repository {mirror.url} has no commits yet", "push some to it", "HEAD")
    return None


def _from_history(mirror: Mirror, revision: str) -> str:
    refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    shallow = (mirror.location.git_dir / "shallow").exists()
    with mirror.lock().exclusive(_WAIT):
        _ask(mirror, [*_SAFE, *_FETCH, "--prune", *(["--unshallow"] if shallow else []), "origin", *refs])
    return resolve(mirror.location, revision, mirror.url)


def _fetch(mirror: Mirror, refs: Sequence[str]) -> None:
    git_dir = mirror.location.git_dir
    # A mirror that holds the history keeps it: cutting it off again would cost more than it saves.
    has_history = not (git_dir / "shallow").exists() and (git_dir / "refs" / "heads").is_dir()
    has_history = has_history and bool(run_git(mirror.location, ["for-each-ref", "--count=1", "refs/heads"]).strip())
    with mirror.lock().exclusive(_WAIT):
        _ask(mirror, [*_SAFE, *_FETCH, *([] if has_history else ["--depth=1"]), "origin", *refs])


def _ask(mirror: Mirror, args: Sequence[str], stdin: bytes | None = None) -> bytes:
    try:
        return run_git(mirror.location, args, stdin=stdin, extra=_NETWORK)
    except GitFailed as error:
        raise RemoteError(
            f"{mirror.url} cannot be read: {_cause(error)}",
            f"see what Git says: `git ls-remote {quote(mirror.url)}`; passwords come from a credential helper of Git",
        ) from error


def _cause(error: GitFailed) -> str:
    """Gives why git could not reach a repository: ssh says that itself, before git says that it did not."""
    lines = [line.strip() for line in error.stderr.splitlines() if line.strip()]
    told = [
        line for line in lines if line.startswith(("ssh: ", "Host key verification", "Permission denied", "remote: "))
    ]
    denied = [line for line in lines if "Permission denied (" in line]
    return (denied or told or [error.message.partition(": ")[2] or error.message])[0]
