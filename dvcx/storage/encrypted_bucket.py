"""A bucket around a bucket that encrypts names and contents; whoever reads the one inside learns neither.

What is not authentic (changed, moved to another name, another person's) is given as zeros, never as it is: everything
on a remote is compared with its name by who reads it, so it is told as damage there, and the rest can be saved.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from dvcx.base.errors import DamagedData, RemoteError
from dvcx.formats.sealed import (
    BLOCK,
    SEALED_BLOCK,
    DataKey,
    data_key,
    generation_in,
    listed_folder,
    open_blocks,
    open_name,
    plain_size,
    seal_blocks,
    sealed_name,
)
from dvcx.storage.bucket import Bucket, BucketFile, NotThere, Part
from dvcx.storage.key_shelf import KeyShelf

_PASSED_ON = "tmp/"
"""Here a bucket keeps its own unfinished files."""


Names = list[str]


class SealedFile(NamedTuple):
    """A file as it lies in the bucket inside: its name there, its real name, its generation of keys, its bytes."""

    stored_name: str
    name: str
    generation: int
    size: int


class EncryptedBucket:
    """The files of `inner`, encrypted with the data keys of the ring on `shelf`. See `Bucket`.

    The ring is read when something is first asked. Its newest data key is for what is written, each key for what was
    written with it. Raises what `KeyShelf` raises; a write while there is no ring yet raises `RemoteError`.
    """

    def __init__(self, inner: Bucket, shelf: KeyShelf) -> None:
        self._inner = inner
        self._shelf = shelf
        self._lock = threading.Lock()
        self._keys: tuple[DataKey, ...] | None = None
        self._seen: dict[str, str] = {}
        """Where files lie that were listed or found, by their real names."""

    @property
    def label(self) -> str:
        """How messages call the bucket."""
        return self._inner.label

    @property
    def inner(self) -> Bucket:
        """The bucket inside."""
        return self._inner

    def list(self, prefix: str) -> Iterator[BucketFile]:
        """Gives every file whose name starts with `prefix`."""
        if prefix == _PASSED_ON:
            yield from self._inner.list(prefix)
            return
        found: dict[str, BucketFile] = {}
        newest: dict[str, int] = {}
        for file, generation, stored in self._opened(listed_folder(prefix)):
            # The same file under two keys was being encrypted anew: the newer one counts.
            if file.name.startswith(prefix) and generation >= newest.get(file.name, 0):
                found[file.name], newest[file.name] = file, generation
                self._seen[file.name] = stored
        yield from found.values()

    def sealed_files(self, folder: str = "") -> Iterator[SealedFile]:
        """Gives every file below a folder of the bucket inside that one of the keys made."""
        for file, generation, stored in self._opened(folder):
            yield SealedFile(stored, file.name, generation, file.size)

    def stat(self, name: str) -> BucketFile | None:
        """Gives what is known of one file, or None."""
        for stored in self._candidates(name):
            found = self._inner.stat(stored)
            if found is not None:
                self._seen[name] = stored
                return BucketFile(name, plain_size(found.size), found.modified)
        return None

    def read(self, name: str) -> bytes:
        """Gives the whole content of a file; raises `NotThere`."""
        stored, data = self._first(name, None)
        return open_blocks(self._key_of(stored), name, data).data

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Gives the bytes from `start` up to `end`; raises `NotThere`."""
        if start >= end:
            return b""
        first = start // BLOCK
        span = (first * SEALED_BLOCK, -(-end // BLOCK) * SEALED_BLOCK)
        stored, data = self._first(name, span)
        opened = open_blocks(self._key_of(stored), name, data, first)
        return opened.data[start - first * BLOCK : end - first * BLOCK]

    def read_strictly(self, file: SealedFile) -> bytes:
        """Gives the content of a file; raises `DamagedData` when any of it is not authentic, or its end is missing."""
        opened = open_blocks(self._key_of(file.stored_name), file.name, self._inner.read(file.stored_name))
        if opened.bad or not opened.ended:
            raise DamagedData(f"{file.name} of {self.label} is not as it was written", "run `dvcx fsck --remote`")
        return opened.data

    def write(self, name: str, parts: Sequence[Part], *, exclusive: bool = False) -> None:
        """Makes the joined `parts` the content of a file; see `Bucket.write`."""
        stored, blocks = self._sealed(name, parts)
        self._inner.write(stored, blocks, exclusive=exclusive)
        self._seen[name] = stored

    def write_later(self, name: str, parts: Sequence[Part]) -> None:
        """Takes a file that is there when `settle` returns."""
        stored, blocks = self._sealed(name, parts)
        self._inner.write_later(stored, blocks)

    def settle(self) -> None:
        """Waits for what was given to `write_later`."""
        self._inner.settle()

    def delete(self, names: Iterable[str]) -> None:
        """Removes files, under whichever key they lie; those that are not there are passed over."""
        stored: Names = []
        for name in names:
            if name.startswith(_PASSED_ON):
                stored.append(name)
            else:
                stored += [sealed_name(key, name) for key in self._data_keys()]
            self._seen.pop(name, None)
        self._inner.delete(stored)

    @property
    def generation(self) -> int:
        """The generation of the key for what is written."""
        return self._writing_key().generation

    def _opened(self, folder: str) -> Iterator[tuple[BucketFile, int, str]]:
        keys = {key.generation: key for key in self._data_keys()}
        if not keys:
            return
        for file in self._inner.list(folder):
            generation = generation_in(file.name)
            if generation is None or generation not in keys:
                continue  # none of ours: what nobody with a key wrote is not there
            name = open_name(keys[generation], file.name)
            if name is not None:
                yield BucketFile(name, plain_size(file.size), file.modified), generation, file.name

    def _first(self, name: str, span: tuple[int, int] | None) -> tuple[str, bytes]:
        """Gives where a file lies and its bytes there, of the first of the places where it can lie."""
        places = self._candidates(name)
        for stored in [*places, *(places if len(self._data_keys()) > 1 else ())]:  # it may just be encrypted anew
            try:
                data = self._inner.read(stored) if span is None else self._inner.read_range(stored, *span)
            except NotThere:
                self._seen.pop(name, None)
                continue
            self._seen[name] = stored
            return stored, data
        raise NotThere(f"{self.label} has no file {name}")

    def _candidates(self, name: str) -> Sequence[str]:
        """Gives where a file can lie, the likeliest first: where it was seen, then by the keys, newest first."""
        places = [sealed_name(key, name) for key in reversed(self._data_keys())]
        seen = self._seen.get(name)
        return [seen, *(place for place in places if place != seen)] if seen in places and seen else places

    def _sealed(self, name: str, parts: Sequence[Part]) -> tuple[str, Sequence[bytes]]:
        key = self._writing_key()
        sealed = io.BytesIO()  # what is sent is in memory once more, and not once as blocks and once joined
        for block in seal_blocks(key, name, parts):
            sealed.write(block)
        return sealed_name(key, name), [sealed.getvalue()]

    def _writing_key(self) -> DataKey:
        keys = self._data_keys()
        if not keys:
            name = self._shelf.place.name
            raise RemoteError(
                f'remote "{name}" is to be encrypted, but nobody has a key for it yet',
                f"`dvcx remote keys generate` makes yours, `dvcx remote keys add {name} YOU` starts the remote's",
            )
        return keys[-1]

    def _key_of(self, stored: str) -> DataKey:
        return self._data_keys()[(generation_in(stored) or 1) - 1]

    def _data_keys(self) -> tuple[DataKey, ...]:
        """Gives the keys of all generations, the newest last; none as long as the remote is new."""
        with self._lock:
            if self._keys is None:
                ring = self._shelf.load()
                secrets = self._shelf.secrets(ring) if ring is not None else ()
                if not secrets:
                    return ()
                self._keys = tuple(data_key(number, secret) for number, secret in enumerate(secrets, start=1))
            return self._keys
