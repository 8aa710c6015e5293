"""Writing to a remote: objects gathered into packs, packs uploaded in parallel, and the index file last."""

from __future__ import annotations

import mmap
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dvcx.base.direct import PAGE
from dvcx.base.errors import DamagedData, RemoteError
from dvcx.base.files import read_exactly
from dvcx.base.hashing import Algorithm
from dvcx.formats.index import build_index
from dvcx.formats.pack import HEADER_SIZE, dump_footer, dump_header, pack_name
from dvcx.formats.payload import Compression
from dvcx.formats.recipe import Recipe, dump_recipe, split_recipe
from dvcx.formats.remote_json import Chunking
from dvcx.formats.table import Encoding, Record, Role, dump_table
from dvcx.storage.bucket import Bucket, Part
from dvcx.storage.chunking import Buffers, cut_memory, window_buffers, windows
from dvcx.storage.moved import Steady
from dvcx.storage.remote_catalog import FOLDER, Catalog, index_name
from dvcx.storage.remote_reader import pack_file

if TYPE_CHECKING:
    from dvcx.storage.remote import RemoteSettings

SAMPLE = 16 << 10
"""Bytes of each of eight samples that decide whether the chunks of a window are compressed."""
REUSE_WITHIN = 86_400.0
"""A pack in no index that is younger than this many seconds is what a killed push left, and is not sent again. An
older one is: its time of writing has to be new, because a garbage collection goes by it."""
_RECIPES_TOGETHER = 1 << 20
"""Bytes of recipes that lie side by side in a pack: a fetch of many large objects reads them with few requests."""
_PATIENCE = 2.0
"""Seconds that an interrupted push waits for what is nearly done."""


class Sealed(NamedTuple):
    """A whole pack, ready to be written: its name, its bytes in parts, their sum, and its table."""

    name: str
    parts: list[Part]
    size: int
    table: bytes


class Payload(NamedTuple):
    """An object as it will stand in a pack: `raw` is its length when decoded."""

    role: Role
    digest: bytes
    encoding: Encoding
    raw: int
    stored: Part


class Load(NamedTuple):
    """The payloads of a pack in order; `body` are their stored bytes when they follow each other in memory already."""

    payloads: Sequence[Payload]
    body: memoryview | None = None


def seal(algorithm: Algorithm, load: Load, gap: int = 0) -> Sealed:
    """Gives the pack of `load`. A `gap` of zeros before the first payload changes the name and nothing else.

    A body in one piece starts on a page of the file, so that a disk can take it from memory without another copy; its
    gap counts in pages, any other in bytes.
    """
    header = dump_header(algorithm)
    if load.body is not None:
        gap = gap * PAGE - HEADER_SIZE % -PAGE
    parts: list[Part] = [header + bytes(gap)]
    offset = HEADER_SIZE + gap
    records: list[Record] = []
    for role, digest, encoding, raw, stored in load.payloads:
        length = len(stored)
        records.append(Record(digest, role, encoding, 0, 0, offset, length, raw))
        offset += length
    parts += [payload.stored for payload in load.payloads] if load.body is None else [load.body]
    table = dump_table(records, algorithm.digest_size)
    parts += [table, dump_footer(header, table, offset, len(records))]
    return Sealed(pack_name(table), parts, sum(map(len, parts)), table)


_Loader = Callable[[], Load]


class Uploaded(NamedTuple):
    """What was sent: packs and bytes written, and packs found there from an earlier push that was killed."""

    packs: int
    size: int
    reused: int


class RemoteWriter:
    """Takes objects for a remote; made by `Remote.writer`. Not for use by several threads.

    When it `resumes`, each pack is looked for before it is written: an earlier push that was killed may have left it.
    """

    def __init__(
        self,
        bucket: Bucket,
        algorithm: Algorithm,
        catalog: Catalog,
        chunking: Chunking,
        settings: RemoteSettings,
        committed: Callable[[str, bytes], None],
        resumes: bool = True,
    ) -> None:
        self.chunking = chunking
        self.algorithm = algorithm
        self.compression: Compression = settings.compression
        self._bucket = bucket
        self._catalog = catalog
        self._clock = settings.clock
        self._batching = settings.batching
        self._committed = committed
        self._resumes = resumes
        self.advance: Callable[[int], None] = _ignored
        """Called by any thread with the bytes of content that are on the remote now."""
        self._pool = ThreadPoolExecutor(settings.batching.ahead, thread_name_prefix="dvcx-write")
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="dvcx-hash")
        self._buffers: Buffers | None = None
        self._taken: set[bytes] = set()
        self.cut: dict[bytes, Recipe] = {}
        """The recipes of the large objects cut here."""
        self._waiting: list[tuple[Role, bytes, bytes]] = []
        self._waiting_size = 0
        self._recipes: list[tuple[bytes, bytes]] = []
        self._recipes_size = 0
        self._uploads: deque[Future[tuple[Sealed, bool]]] = deque()
        self._tables: list[tuple[str, int, bytes]] = []
        self._uncommitted = 0
        self.uploaded = Uploaded(0, 0, 0)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Commits at the end of the context; when it ends in an error, nothing more becomes visible."""
        try:
            yield
            self.commit()
        except KeyboardInterrupt:
            # Whoever presses Control-C does not want to wait until 100 MiB have gone over a slow line.
            self._pool.shutdown(wait=False, cancel_futures=True)
            wait(self._uploads, timeout=_PATIENCE)
            raise
        except BaseException:
            self._pool.shutdown(cancel_futures=True)
            with suppress(RemoteError):
                self._bucket.settle()  # packs that are whole are found again by the next push
            raise
        finally:
            self._hashing.shutdown()
            self._pool.shutdown(wait=False, cancel_futures=True)

    def has(self, digest: bytes) -> bool:
        """Tells whether the remote holds the object or it was taken in here."""
        return digest in self._taken or self._catalog.has(digest)

    def put(self, role: Role, digest: bytes, data: bytes) -> None:
        """Takes an object that fits in memory; one that the remote holds already is passed over."""
        if not self.has(digest):
            self.put_new(role, digest, data)

    def put_new(self, role: Role, digest: bytes, data: bytes) -> None:
        """Does the same as `put`, also when the remote holds the object; chunks that it holds are not sent."""
        if len(data) >= self.chunking.cut_from and role in (Role.BLOB, Role.TREE):
            self._cut(digest, data)
        else:
            self.put_again(role, digest, data)

    def put_again(self, role: Role, digest: bytes, data: bytes) -> None:
        """Takes one payload as it is, also when the remote holds it already: to move it into another pack."""
        self._taken.add(digest)
        self._waiting.append((role, digest, data))
        self._waiting_size += len(data)
        if self._waiting_size >= self._batching.pack_size:
            self._send_waiting()

    def put_file(self, role: Role, digest: bytes, path: Path) -> None:
        """Takes the content of the file at `path`, of any size; raises `DamagedData` when it is not `digest`'s."""
        if not self.has(digest):
            self.put_file_again(role, digest, path)

    def put_file_again(self, role: Role, digest: bytes, path: Path) -> None:
        """Does the same as `put_file`, also when the remote holds the object; chunks that it holds are not sent."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(fd).st_size >= self.chunking.cut_from:
                self._cut_file(digest, fd, str(path))
                return
            data = read_exactly(fd, self.chunking.cut_from, 0)
        finally:
            os.close(fd)
        if self.algorithm.of(data) != digest:
            raise DamagedData(f"{path} is not {self.algorithm.name}:{digest.hex()}", _FSCK)
        self.put_again(role, digest, data)

    def commit(self) -> None:
        """Waits until every pack is written, then makes what they hold visible with one index file."""
        self._put_recipes()
        self._send_waiting()
        while self._uploads:
            self._take_result()
        self._publish()

    def _publish(self) -> None:
        if not self._tables:
            return
        self._bucket.settle()  # the packs first: an index file never names what is not there for good
        data = build_index(self.algorithm, self._tables)
        name = f"{index_name(data)}.idx"
        self._bucket.write(FOLDER + name, [data])
        self._tables = []
        self._uncommitted = 0
        self._committed(name, data)

    def _cut(self, digest: bytes, data: bytes) -> None:
        chunks: list[tuple[bytes, int]] = []
        for start, end in cut_memory(data, self.chunking):
            chunk = data[start:end]
            name = self.algorithm.of(chunk)
            chunks.append((name, end - start))
            self.put(Role.CHUNK, name, chunk)
        self._put_recipe(digest, chunks, len(data))

    def _cut_file(self, digest: bytes, fd: int, where: str) -> None:
        """Cuts a file; the recipe is taken only when the bytes are `digest`'s. Chunks that were sent do no harm."""
        hasher = self.algorithm.new()
        of = self.algorithm.of
        chunks: list[tuple[bytes, int]] = []
        total = 0
        if self._buffers is None:
            self._buffers = window_buffers(self._batching.ahead + 2, self.chunking, self._batching.window)
        cutting = windows(fd, self.chunking, self._buffers)
        try:
            for data, cuts, buffer in cutting:
                whole = self._hashing.submit(hasher.update, data)  # on another core: hashing lets the interpreter go
                names = [of(data[start:end]) for start, end in cuts]
                whole.result()
                chunks += [(name, end - start) for name, (start, end) in zip(names, cuts, strict=True)]
                total += len(data)
                self._take_window(data, [(n, *cut) for n, cut in zip(names, cuts, strict=True)], buffer)
        except KeyboardInterrupt:
            self._buffers.close()  # or the end of the cutting would wait for the uploads
            raise
        if hasher.digest() != digest:
            raise DamagedData(f"{where} is not {self.algorithm.name}:{digest.hex()}", _FSCK)
        self._put_recipe(digest, chunks, total)

    def _take_window(self, data: memoryview, chunks: list[tuple[bytes, int, int]], buffer: mmap.mmap) -> None:
        assert self._buffers is not None
        give_back = self._buffers.give_back
        new = {name: (start, end) for name, start, end in chunks if not self.has(name)}
        size = sum(end - start for start, end in new.values())
        self.advance(len(data) - size)
        if size < self._batching.few:
            # A few new chunks are copied and wait for company, so that scattered edits do not make a pack each.
            for name, (start, end) in new.items():
                self.put(Role.CHUNK, name, bytes(data[start:end]))
            give_back(buffer)
            return
        self._taken.update(new)
        raw = [Payload(Role.CHUNK, n, Encoding.RAW, end - start, data[start:end]) for n, (start, end) in new.items()]
        samples = [data[at : at + SAMPLE] for at in range(0, len(data), max(SAMPLE, len(data) // 8))]

        def load() -> Load:
            if any(self.compression.pays(sample) for sample in samples):
                return Load([_compressed(payload, self.compression) for payload in raw])
            return Load(raw, data if len(raw) == len(chunks) else None)

        self._send(load, lambda: give_back(buffer))

    def _put_recipe(self, digest: bytes, chunks: list[tuple[bytes, int]], total: int) -> None:
        self.cut[digest] = Recipe(0, total, tuple(chunks))
        parts = split_recipe(chunks, total)
        top = parts[0]
        if len(parts) > 1:
            entries: list[tuple[bytes, int]] = []
            for part in parts:
                data = dump_recipe(part, self.algorithm.digest_size)
                entries.append((self.algorithm.of(data), len(part.entries)))
                self.put(Role.PART, entries[-1][0], data)
            top = Recipe(1, total, tuple(entries))
        self._taken.add(digest)
        self._recipes.append((digest, dump_recipe(top, self.algorithm.digest_size)))
        self._recipes_size += len(self._recipes[-1][1])
        if self._recipes_size >= _RECIPES_TOGETHER:
            self._put_recipes()

    def _put_recipes(self) -> None:
        recipes, self._recipes, self._recipes_size = self._recipes, [], 0
        for digest, data in recipes:
            self.put_again(Role.RECIPE, digest, data)

    def _send_waiting(self) -> None:
        if self._waiting:
            waiting, self._waiting, self._waiting_size = self._waiting, [], 0
            self._send(lambda: self._encoded(waiting))

    def _encoded(self, waiting: list[tuple[Role, bytes, bytes]]) -> Load:
        encode = self.compression.encode
        payloads: list[Payload] = []
        for at, (role, digest, data) in enumerate(waiting):
            encoding, stored = encode(data)
            payloads.append(Payload(role, digest, encoding, len(data), stored))
            waiting[at] = (role, digest, b"")  # lets go of the raw bytes while the rest is compressed
        return Load(payloads)

    def _send(self, load: _Loader, done: Callable[[], None] | None = None) -> None:
        """Has a pack made and written by another thread; waits while enough packs are on their way."""
        while len(self._uploads) >= self._batching.ahead:
            self._take_result()
        self._uploads.append(self._pool.submit(self._upload, load, done))

    def _upload(self, load: _Loader, done: Callable[[], None] | None) -> tuple[Sealed, bool]:
        try:
            sealed, size = self._sealed(load())
        except BaseException:
            if done is not None:
                done()
            raise
        if self._batching.far and done is not None:
            done()  # the bytes were copied: the next window can be read while these are on their way
            done = None
        try:
            with Steady(self.advance).part(size, sealed.size) if self.advance is not _ignored else nullcontext():
                return self._write(sealed)
        finally:
            if done is not None:
                done()

    def _sealed(self, load: Load) -> tuple[Sealed, int]:
        """Gives the pack of `load`, and how many bytes of content are in it."""
        sealed = seal(self.algorithm, load)
        while sealed.name in self._catalog.marked:
            # Under this name a pack is about to be deleted; what is written now must not go with it.
            sealed = seal(self.algorithm, load, gap=1 + secrets.randbelow(64))
        size = sum(each.raw for each in load.payloads if each.role in (Role.BLOB, Role.CHUNK))
        return sealed._replace(parts=[b"".join(sealed.parts)]) if self._batching.far else sealed, size

    def _write(self, sealed: Sealed) -> tuple[Sealed, bool]:
        if self._resumes and self._left_by_killed_push(sealed):
            return sealed._replace(parts=[]), True
        self._bucket.write_later(pack_file(sealed.name), sealed.parts)
        return sealed._replace(parts=[]), False

    def _left_by_killed_push(self, sealed: Sealed) -> bool:
        held = self._bucket.stat(pack_file(sealed.name))
        if held is None or held.size != sealed.size or held.modified is None:
            return False
        return self._clock() - held.modified < REUSE_WITHIN

    def _take_result(self) -> None:
        sealed, reused = self._uploads.popleft().result()
        packs, size, again = self.uploaded
        self.uploaded = Uploaded(packs + (not reused), size + (0 if reused else sealed.size), again + reused)
        self._tables.append((sealed.name, sealed.size, sealed.table))
        self._uncommitted += sealed.size
        if self._uncommitted >= self._batching.commit_every:
            self._publish()


def _ignored(count: int) -> None:
    return None


def _compressed(payload: Payload, compression: Compression) -> Payload:
    encoding, stored = compression.encode(memoryview(payload.stored))
    return payload._replace(encoding=encoding, stored=stored)


_FSCK = "run `dvcx fsck --repair` to set it aside and fetch a good copy"
