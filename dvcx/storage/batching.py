"""How a push cuts its work up: how large packs are, and how many are on their way at a time."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Batching:
    """Sizes in bytes. They bound the memory of a push; what is pushed can be read whatever they were.

    A pack is sent once the objects in it have `pack_size` bytes, a large file is cut in windows of `window`, each a
    pack when it is all new, and `ahead` packs are on their way while the next one is filled. After `commit_every`
    bytes an index file is written, so that a push that is killed has not worked for nothing. `far`: the store is
    reached over a network, so a request costs time, and its library needs the bytes of a file in one piece.
    """

    ahead: int
    pack_size: int
    window: int
    commit_every: int = 512 * _MIB
    far: bool = False

    @property
    def few(self) -> int:
        """Less than this many new bytes in a window do not make a pack of their own."""
        return self.pack_size // 4


FOLDER = Batching(ahead=2, pack_size=32 * _MIB, window=24 * _MIB)
"""For a folder: two packs at a time keep a disk busy."""

_IN_FLIGHT = 64 * _MIB
_LEAST = 8 * _MIB


def over_network(jobs: int) -> Batching:
    """Gives how to push to a store over a network, with `jobs` packs on their way at a time.

    All of them together have about 64 MiB, because the libraries below hold each pack two or three times; with more
    than eight jobs a pack is 8 MiB, and the memory grows.
    """
    size = max(_LEAST, min(FOLDER.pack_size, _IN_FLIGHT // jobs))
    return Batching(ahead=jobs, pack_size=size, window=min(size, FOLDER.window), far=True)
