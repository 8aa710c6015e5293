"""What dvcx itself put into, or recorded of, a worktree: the difference between a deleted file and one never here.

A small file of its own beside the state database, because it is a record and no hint: without it, data that was left
out of a partial checkout would look deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from dvcx.base.files import write_atomically

_MAX_BYTES = 16 << 20


class _Stored(msgspec.Struct):
    version: int
    paths: dict[str, str]
    followed: set[str] = set()
    tracked: dict[str, str] = {}


class Placed:
    """For each tracked path the digest of the tree (or blob) that dvcx last put there or added from there.

    After a partial checkout that is the tree of just that part. A file that is missing or damaged reads as empty:
    then nothing is known, and what is absent from the workspace but in the cache counts as deleted. Beside it stands
    what the pointer named at that time: what differs from that came with another revision. It also remembers of which
    paths the user had symbolic links followed: nothing from a repository may decide that.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digests: dict[str, bytes] | None = None
        self._followed: set[str] = set()
        self._tracked: dict[str, bytes] = {}
        self._changed = False

    def all(self) -> dict[str, bytes]:
        """Gives all paths of which something is recorded."""
        return dict(self._load())

    def listings(self) -> Iterator[tuple[str, bytes]]:
        """Gives every digest that is recorded, with its path."""
        yield from self._load().items()
        yield from self._tracked.items()

    def get(self, path: str) -> bytes | None:
        """Gives what is recorded of `path`, or None."""
        return self._load().get(path)

    def tracked(self, path: str) -> bytes | None:
        """Gives what the pointer of `path` named when that was recorded, or None when nothing is."""
        digest = self._load().get(path)
        return self._tracked.get(path, digest)

    def set(self, path: str, digest: bytes | None, tracked: bytes | None = None) -> None:
        """Records what is at `path` now, and what its pointer names if that is more; None forgets it.

        Written at `save`.
        """
        digests = self._load()
        if digests.get(path) == digest and self._tracked.get(path, digest) == (tracked or digest):
            return
        self._tracked.pop(path, None)
        if digest is None:
            digests.pop(path, None)
        else:
            digests[path] = digest
            if tracked is not None and tracked != digest:
                self._tracked[path] = tracked
        self._changed = True

    def follows(self, path: str) -> bool:
        """Tells whether symbolic links in what is tracked at `path` stand for what they lead to."""
        self._load()
        return path in self._followed

    def set_follows(self, path: str, follows: bool) -> None:
        """Records whether they do. Written at `save`."""
        if follows != self.follows(path):
            (self._followed.add if follows else self._followed.discard)(path)
            self._changed = True

    def save(self) -> None:
        """Writes what changed; raises `OSError` as writing does."""
        if not self._changed:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        digests = {path: digest.hex() for path, digest in sorted(self._load().items())}
        tracked = {path: digest.hex() for path, digest in sorted(self._tracked.items())}
        stored = _Stored(1, digests, self._followed & digests.keys(), tracked)
        write_atomically(self._path, msgspec.json.encode(stored), durable=False)
        self._changed = False

    def _load(self) -> dict[str, bytes]:
        if self._digests is None:
            try:
                data = self._path.read_bytes()
                stored = msgspec.json.decode(data, type=_Stored) if len(data) <= _MAX_BYTES else _Stored(0, {})
                self._digests = {path: bytes.fromhex(digest) for path, digest in stored.paths.items()}
                self._tracked = {path: bytes.fromhex(digest) for path, digest in stored.tracked.items()}
                self._followed = stored.followed
            except (FileNotFoundError, msgspec.DecodeError, ValueError):
                self._digests, self._tracked = {}, {}
        return self._digests
