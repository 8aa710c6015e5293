"""A remote: the objects of a project in packs on a bucket, with no server. See `ObjectStore`.

dvcx.json            what the remote is
packs/ab/<name>.pack objects, chunks of large objects, and recipes
index/<name>.idx     what the packs of one push hold, written after them
index/<name>.marks   packs that are about to be deleted
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dvcx.base.errors import ArrivedDamaged, DamagedData, MissingData, Refused, RemoteError, shown
from dvcx.base.files import remove_if_there, write_atomically
from dvcx.base.hashing import Algorithm
from dvcx.formats.payload import Compression
from dvcx.formats.recipe import Recipe
from dvcx.formats.remote_json import (
    DESCRIPTION_NAME,
    MOST_BYTES,
    VERSION,
    Chunking,
    RemoteDescription,
    dump_json,
    parse_description,
)
from dvcx.formats.table import Role
from dvcx.storage.arrival import how_to_tell, until_right
from dvcx.storage.batching import FOLDER, Batching
from dvcx.storage.bucket import AlreadyThere, Bucket, NotThere
from dvcx.storage.object_store import StoredObject
from dvcx.storage.recipe_reading import read_recipe
from dvcx.storage.recipe_shelf import RecipeShelf
from dvcx.storage.remote_catalog import Catalog, Found, IndexMirror
from dvcx.storage.remote_index import MANY, join_small_indexes, rewrite_indexes
from dvcx.storage.remote_reader import Reader, spans
from dvcx.storage.remote_writer import RemoteWriter

_KNOWN = "remote-id"
_UNFINISHED = "unfinished-push"


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """How a remote is used: requests at a time, how payloads are compressed and gathered, and the chunking of a
    remote made new.

    `clock` gives Unix seconds.
    """

    jobs: int = 4
    batching: Batching = FOLDER
    compression: Compression = field(default_factory=Compression)
    chunking: Chunking = field(default_factory=Chunking)
    clock: Callable[[], float] = time.time


class Remote:
    """The remote called `name` on `bucket`.

    `local_folder` is this remote's own folder for copies of its index files and for recipes; it is disposable. With
    None nothing is kept.
    """

    def __init__(
        self,
        bucket: Bucket,
        name: str,
        algorithm: Algorithm,
        local_folder: Path | None = None,
        settings: RemoteSettings | None = None,
    ) -> None:
        self.bucket = bucket
        self.name = name
        self.settings = settings or RemoteSettings()
        self.local_folder = local_folder
        self._algorithm = algorithm
        self._description: RemoteDescription | None = None
        self._catalog: Catalog | None = None
        self.recipes = RecipeShelf(local_folder / "recipes" if local_folder else None, algorithm)
        self.arrived: Callable[[int], None] | None = None  # is told the bytes that come; see `Reader`

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm that names the objects."""
        return self._algorithm

    @property
    def label(self) -> str:
        """How messages call the remote."""
        return f'remote "{self.name}"'

    def describe(self) -> RemoteDescription | None:
        """Gives what the remote says of itself, or None when nothing was ever pushed to it.

        Raises `RemoteError` when it was used from here before and is empty now, as if a disk is not mounted.
        """
        if self._description is None:
            try:
                found = until_right(self._read_description, how_to_tell(self.name))
                if found.hash != self._algorithm.name:  # or it came wrong
                    found = until_right(self._read_description, how_to_tell(self.name))
            except NotThere as error:
                self._refuse_if_known(error)
                return None
            if found.hash != self._algorithm.name:
                raise Refused(
                    f"{self.label} holds objects named by {found.hash}, this project names them by "
                    f"{self._algorithm.name}",
                    "use another folder or bucket for this project",
                )
            self._description = found
            self._remember(found.id)
        return self._description

    def initialise(self) -> RemoteDescription:
        """Gives what the remote says of itself, after making it when it is new."""
        found = self.describe()
        if found is None:
            made = RemoteDescription(VERSION, os.urandom(16).hex(), self._algorithm.name, self.settings.chunking)
            try:
                self.bucket.write(DESCRIPTION_NAME, [dump_json(made)], exclusive=True)
            except AlreadyThere:
                pass  # another first push was quicker: its description counts
            found = self.describe()
            if found is None:
                raise RemoteError(f"{self.label} does not keep what is written to it ({self.bucket.label})")
        return found

    def require(self) -> RemoteDescription:
        """Gives what the remote says of itself; raises `RemoteError` when nothing was ever pushed to it."""
        found = self.describe()
        if found is None:
            raise RemoteError(
                f"there is no dvcx remote at {self.bucket.label}",
                "is its disk or share mounted, and is the URL right? the first `dvcx push` makes it",
            )
        return found

    def chunking(self) -> Chunking:
        """Gives how large objects are cut for this remote."""
        found = self.describe()
        return found.chunking if found else self.settings.chunking

    def catalog(self) -> Catalog:
        """Gives what the remote held when first asked or at the last `refresh`; nothing when it is new."""
        if self._catalog is None:
            self._catalog = Catalog(()) if self.describe() is None else self.mirror().load()
        return self._catalog

    def refresh(self) -> Catalog:
        """Lists again what the remote holds."""
        self._catalog = None
        return self.catalog()

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """Gives those of `digests` that the remote does not hold, or only in packs marked for deletion.

        What is missing by an older listing is looked for in a new one. Raises `ArrivedDamaged` when a file of marks
        cannot be read: what is about to be deleted would count as held.
        """
        wanted = set(digests)
        is_new = self._catalog is None
        absent = self.catalog().missing(wanted)
        if absent and not is_new:
            absent = self.refresh().missing(absent)
        marks = [name for name in self.catalog().damaged if name.endswith(".marks")]
        if marks:
            raise self.arrived_damaged(f"what {self.label} is about to delete came damaged: {shown(sorted(marks))}")
        return absent

    def require_whole_index(self, absent: int) -> None:
        """Raises `ArrivedDamaged` when `absent` objects may be missing only because an index file cannot be read."""
        damaged = sorted(self.catalog().damaged)
        if absent and damaged:
            what = f"not all that is on {self.label} is known ({absent} objects were not found)"
            raise self.arrived_damaged(f"{what}: index files came damaged: {shown(damaged)}")

    def read(self, digest: bytes) -> bytes:
        """Gives the content of one object, verified; raises `MissingData` or `ArrivedDamaged`."""
        for _, data in self.read_many([digest]):
            return data
        raise AssertionError("read_many gives every object it was asked for")

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Gives each of `digests` once with its content, verified, in the order that takes the fewest requests."""
        places = self.locate(set(digests))
        direct = [place for place in places if place.record.role != Role.RECIPE]
        for place, data in self.fetch(direct):
            yield place.record.digest, data
        for place in places:
            if place.record.role == Role.RECIPE:
                yield place.record.digest, self._joined(place)

    @contextmanager
    def writer(self) -> Iterator[RemoteWriter]:
        """Gives a context in which objects are put; the remote is made when it is new.

        Packs are uploaded as they fill up; what they hold becomes visible at the end, or after every 512 MiB so that
        a killed push has not worked for nothing.
        """
        description = self.initialise()
        catalog = self.catalog()
        many = len(catalog.files) >= MANY
        resumes = self._note_unfinished()
        how = (description.chunking, self.settings, self._committed, resumes)
        writer = RemoteWriter(self.bucket, self._algorithm, catalog, *how)
        with writer.open():
            yield writer
        if self.local_folder is not None:
            remove_if_there(self.local_folder / _UNFINISHED)
        self.recipes.keep(writer.cut)
        if many:
            join_small_indexes(self)

    def ids(self) -> Iterator[StoredObject]:
        """Gives every object, chunk and recipe held, once for each place where it lies."""
        for index in self.catalog().indexes:
            for record in index.records():
                yield StoredObject(record.digest, Role(record.role), record.stored)

    def delete(self, digests: Collection[bytes]) -> None:
        """Forgets objects: index files without them are written. Their bytes stay until a garbage collection."""
        hidden: dict[str, set[bytes]] = {}
        for digest in digests:
            for place in self.catalog().find_all(digest):
                hidden.setdefault(place.pack, set()).add(digest)
        rewrite_indexes(self, hidden=hidden)

    def find(self, digests: Iterable[bytes]) -> dict[bytes, Found]:
        """Gives where those of `digests` lie that are there; what an older listing lacks is looked for in a new one."""
        is_new = self._catalog is None
        wanted = set(digests)
        found = self.catalog().find_many(wanted)
        if len(found) < len(wanted) and not is_new:
            found |= self.refresh().find_many(wanted - found.keys())
        return found

    def locate(self, digests: Collection[bytes]) -> list[Found]:
        """Gives where each of `digests` lies; raises `MissingData` when any is nowhere."""
        found = self.find(digests)
        absent = [digest for digest in digests if digest not in found]
        if absent:
            raise self._missing(absent)
        return list(found.values())

    def fetch(self, places: Collection[Found], failed: list[Found] | None = None) -> Iterator[tuple[Found, bytes]]:
        """Gives the contents of the objects at `places`, verified, in the order that takes the fewest requests.

        A pack that is gone was rewritten by a garbage collection: the remote is listed again and the object read from
        where it lies now. An object that is damaged is read once more, then from every other place that has it; then
        raises `ArrivedDamaged`, or `MissingData` when no pack with it is there. With `failed`, puts the place there.
        """
        for place, data in self.payloads(places, self.reader(jobs=self.settings.jobs, verify=True), failed):
            yield place, bytes(data)

    def payloads(
        self, places: Collection[Found], reader: Reader, failed: list[Found] | None = None
    ) -> Iterator[tuple[Found, bytes | memoryview]]:
        """Does the work of `fetch` with a reader of the caller's; raw payloads are views of what was read."""
        again: list[Found] = []
        gone = False
        for answer in reader.read(spans(places)):
            yield from answer.good
            again += answer.bad
            gone = gone or answer.gone
        if not again:
            return
        catalog = self.refresh() if gone else self.catalog()
        for answer in reader.read(spans(catalog.find(place.record.digest) or place for place in again)):
            yield from answer.good
            for place in answer.bad:
                try:
                    yield self._last_try(place, reader)
                except (DamagedData, MissingData):
                    if failed is None:
                        raise
                    failed.append(place)

    def reader(self, *, jobs: int, verify: bool) -> Reader:
        """Gives a reader for `payloads`; without `verify` a payload counts as good when it can be decoded."""
        return Reader(self.bucket, self._algorithm, jobs, verify=verify, arrived=self.arrived)

    def recipe(self, place: Found) -> Recipe:
        """Gives the level-0 recipe of the large object whose recipe lies at `place`; see `read_recipe`."""
        return read_recipe(self, place)

    def arrived_damaged(self, message: str) -> ArrivedDamaged:
        """Gives the error that something from this remote is not what it should be."""
        return ArrivedDamaged(message, how_to_tell(self.name))

    def id_text(self, digest: bytes) -> str:
        """Gives an object's name as messages show it."""
        return f"{self._algorithm.name}:{digest.hex()}"

    def _read_description(self) -> RemoteDescription:
        data = self.bucket.read_range(DESCRIPTION_NAME, 0, MOST_BYTES)
        return parse_description(data, f"{DESCRIPTION_NAME} of {self.label}")

    def _joined(self, place: Found) -> bytes:
        digest = place.record.digest
        recipe = self.recipe(place)
        chunks = dict(self.read_many({chunk for chunk, _ in recipe.entries}))
        data = b"".join(chunks[chunk] for chunk, _ in recipe.entries)
        if self._algorithm.of(data) != digest:
            raise self.arrived_damaged(f"{self.id_text(digest)} on {self.label} is not what its recipe makes")
        return data

    def _last_try(self, place: Found, reader: Reader) -> tuple[Found, bytes | memoryview]:
        digest = place.record.digest
        others = [p for p in self.catalog().find_all(digest) if p.record.role == place.record.role]
        gone = True
        for other in others or [place]:
            (answer,) = reader.read(spans([other]))
            if answer.good:
                return answer.good[0]
            gone = gone and answer.gone
        what = f"{self.id_text(digest)} in pack {place.pack} of {self.label}"
        if gone:
            raise MissingData(f"{what} is lost: the index names the pack, but it is not there", _FSCK, [what])
        raise self.arrived_damaged(f"{what} came damaged: its bytes are not what its name says")

    def _missing(self, absent: list[bytes]) -> MissingData:
        self.require_whole_index(len(absent))
        ids = [self.id_text(digest) for digest in sorted(absent)]
        count = "1 object is" if len(ids) == 1 else f"{len(ids)} objects are"
        hint = "run `dvcx push` where they were added"
        return MissingData(f"{count} not on {self.label}: {shown(ids, 3)}", hint, ids)

    def _committed(self, file_name: str, data: bytes) -> None:
        self.mirror().keep(file_name, data)
        self._catalog = None

    def mirror(self) -> IndexMirror:
        """Gives the local copies of the index files; for a remote that is there."""
        assert self._description is not None
        folder = self.local_folder / self._description.id if self.local_folder else None
        return IndexMirror(self.bucket, folder, self._algorithm, self.settings.jobs)

    def _note_unfinished(self) -> bool:
        """Notes that a push is under way, and tells whether packs of an earlier one may lie on the remote unnamed.

        To look for each pack costs a request. In a folder that is nothing; elsewhere it is done only when a push from
        here did not come to its end, or nobody can know.
        """
        if self.local_folder is None or not self.settings.batching.far:
            return True
        path = self.local_folder / _UNFINISHED
        try:
            found = path.exists()
            self.local_folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, b"", durable=False)
        except OSError:
            return True
        return found

    def _refuse_if_known(self, error: NotThere) -> None:
        if self.local_folder is None or not (self.local_folder / _KNOWN).exists():
            return
        raise RemoteError(
            f"{self.label} was used from here before, but now there is no remote at {self.bucket.label}",
            f"is its disk or share mounted? when it was emptied on purpose, remove {self.local_folder / _KNOWN}",
        ) from error

    def _remember(self, remote_id: str) -> None:
        if self.local_folder is None:
            return
        path = self.local_folder / _KNOWN
        try:
            if not path.exists() or path.read_text("ascii") != remote_id:
                self.local_folder.mkdir(parents=True, exist_ok=True)
                write_atomically(path, remote_id.encode(), durable=False)
        except OSError:
            return  # a read-only repository can still pull


_FSCK = "run `dvcx fsck --remote NAME --repair`: it sets the damaged pack aside and mends from the cache"
