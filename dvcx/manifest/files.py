"""What one file in Git says of data: a pointer of the data beside it, a `dvcx.lock` of what its stages made."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from dvcx.base.errors import Refused
from dvcx.base.hashing import algorithm_named
from dvcx.base.paths import check_relative
from dvcx.formats.lock_text import MAX_BYTES as MAX_LOCK_BYTES
from dvcx.formats.lock_text import lock_of, parse_lock, split_lock
from dvcx.formats.pointer_text import MAX_BYTES, parse_pointer
from dvcx.git.location import GitLocation
from dvcx.git.objects import ObjectReader
from dvcx.model.ids import Kind, ObjectId
from dvcx.model.pointer import Pointer, data_path
from dvcx.model.run_record import Recorded, StageLock
from dvcx.model.stage import LOCK_FILE, PIPELINE_FILE, stage_address


def is_lock_file(path: str) -> bool:
    """Tells whether the file `path` is a `dvcx.lock`."""
    return path == LOCK_FILE or path.endswith(f"/{LOCK_FILE}")


def most_bytes(path: str) -> int:
    """Gives how large the pointer or lock file `path` may be."""
    return MAX_LOCK_BYTES if is_lock_file(path) else MAX_BYTES


def pointers_in(text: bytes, path: str) -> Mapping[str, Pointer]:
    """Gives the data that a pointer file or `dvcx.lock` at `path` stands for, by the paths of the data.

    Of a lock that is the cached output of each stage. Raises as `parse_pointer` and `parse_lock` do, and `Refused` for
    an output that lies outside of the project.
    """
    if is_lock_file(path):
        return dict(lock_pointers(parse_lock(text, path), path))
    return {data_path(path): parse_pointer(text, path)}


def read_texts(git: GitLocation, path_by_blob: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Gives the content of each blob that is here, pointer files first; raises as `ObjectReader` does."""
    for locks in (False, True):  # many pointers are asked for at once because they are small; locks may be large
        oids = [oid for oid, path in path_by_blob.items() if is_lock_file(path) is locks]
        if oids:
            with ObjectReader(git, MAX_LOCK_BYTES if locks else MAX_BYTES) as reader:
                yield from reader.read_many(oids)


class EachOnce:
    """Many versions of lock files on their way to a reader, who gets every stage's record once.

    2,000 commits of a lock of 500 stages are a million records, of which a few thousand differ.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def new_in(self, text: bytes, path: str) -> bytes:
        """Gives the lock file without the records that an earlier version had; all else as it is."""
        records = split_lock(text) if is_lock_file(path) else None
        if records is None:
            return text
        folder = f"{posixpath.dirname(path)}\0".encode("utf-8", "surrogateescape")
        found = {_KEYS.of(folder + record)[:_KEY_BYTES]: record for record in records}
        new = {key: record for key, record in found.items() if key not in self._seen}
        rest = lock_of(new.values())
        if rest is None:
            return text
        self._seen.update(new)
        return rest


_KEYS = algorithm_named("blake3")
_KEY_BYTES = 16


def lock_pointers(lock: StageLock, path: str) -> Iterator[tuple[str, Pointer]]:
    """Gives the cached outputs that the `dvcx.lock` at `path` records, with the paths of the data."""
    folder = posixpath.dirname(path)
    pipeline = f"{folder}/{PIPELINE_FILE}" if folder else PIPELINE_FILE
    for name, record in lock.records.items():
        address = stage_address(pipeline, name)
        for out in record.outs:
            for each in (out,) if out.members is None else out.members:
                if each.cache and each.id is not None:
                    yield _data_path(folder, each, path), pointer_of(each, address)


def uncached_outs(text: bytes, path: str) -> Iterator[ObjectId]:
    """Gives the outputs in a `dvcx.lock` that are Git's, of which the cache may hold a copy for the run cache."""
    for record in parse_lock(text, path).records.values():
        for out in record.outs:
            for each in (out,) if out.members is None else out.members:
                if not each.cache and each.id is not None:
                    yield each.id


def _data_path(folder: str, recorded: Recorded, lock_path: str) -> str:
    text = recorded.text
    if folder or ".." in text:
        if text.startswith("/"):
            raise Refused(f"{lock_path} names {text!r}, which is an absolute path", names=[text])
        text = posixpath.normpath(posixpath.join(folder, text))
    check_relative(text, lock_path)
    return text


def pointer_of(recorded: Recorded, address: str | None = None) -> Pointer:
    """Gives what a record says of a file or folder, as a pointer would."""
    assert recorded.id is not None
    return Pointer(
        name=posixpath.basename(recorded.text),
        id=recorded.id,
        size=recorded.size or 0,
        files=(recorded.files or 0) if recorded.id.kind is Kind.TREE else None,
        executable=recorded.executable,
        stage=address,
        push=recorded.push,
        remote=recorded.remote,
    )
