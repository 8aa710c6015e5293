"""`dvcx du`: how large tracked data is, how much of it is distinct, and what the cache spends on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dvcx.base.errors import MissingData, shown
from dvcx.manifest.trees import LoadTree
from dvcx.model.tree import TreeEntry
from dvcx.operations.listings import listing_loader
from dvcx.operations.ls import Listed, Lister, broken_below, targets_at
from dvcx.operations.revision import manifest_at
from dvcx.repo.record import Repo, open_cache
from dvcx.storage.cache import Cache
from dvcx.storage.cache_info import stored_size


@dataclass(frozen=True, slots=True)
class Usage:
    """Sizes in bytes, and numbers of files, of the tracked data at `path` ("" for the whole project).

    `distinct_size` counts content that stands in several places once. Of it the cache holds `cached_size` bytes in
    `stored_size` bytes on the disk. `unread` are the folders of which it is not known here what they hold: they count
    in `size`, but not in the other sizes. `broken` are pointer files that cannot be used, each with why.
    """

    path: str
    revision: str | None
    entries: tuple[Listed, ...]
    size: int
    files: int
    distinct_size: int
    distinct_files: int
    cached_size: int
    stored_size: int
    unread: tuple[str, ...]
    broken: Mapping[str, str]

    def problem(self) -> MissingData | None:
        """Gives the error of a sum that is not complete, or None."""
        if not self.unread:
            return None
        return MissingData(
            f"what these folders hold is not known here, so they are not in the distinct sizes: {shown(self.unread)}",
            "`dvcx fetch` takes their listings in with the data; `-r NAME` reads only the listings, from a remote",
            self.unread,
        )


@dataclass(frozen=True, slots=True)
class DuOptions:
    """How to sum up: see `dvcx du --help`. `empty_is_fine`: a folder with nothing tracked in it is no error."""

    revision: str | None = None
    summarize: bool = False
    remote: str | None = None
    empty_is_fine: bool = False


def du(repo: Repo, path: str, options: DuOptions | None = None) -> Usage:
    """Sums up what is tracked at `path` (relative to the project root, "" for all of it).

    Raises `UsageError` where nothing is tracked, and `MissingData` when it is not known what the folder `path` holds.
    """
    options = options or DuOptions()
    manifest = manifest_at(repo, options.revision)
    targets = targets_at(manifest, path, empty_is_fine=options.empty_is_fine)
    cache = open_cache(repo)
    load = listing_loader(repo, cache, options.remote, targets)
    lister = Lister(repo.algorithm, manifest, load)
    listed = () if options.summarize else tuple(lister.one_level(path, targets))
    roots = [(target.path, lister.entry(target)) for target in targets]
    contents = _Contents(load)
    for where, entry in roots:
        contents.add(where, entry)
    cached_size, stored = _in_cache(cache, contents.size_by_digest)
    cache.close()
    return Usage(
        path=path,
        revision=options.revision,
        entries=listed,
        size=sum(entry.size for _, entry in roots),
        files=sum(entry.files for _, entry in roots),
        distinct_size=sum(contents.size_by_digest.values()),
        distinct_files=len(contents.size_by_digest),
        cached_size=cached_size,
        stored_size=stored,
        unread=tuple(contents.unread),
        broken=broken_below(manifest, path),
    )


class _Contents:
    """The distinct contents below some entries; equal folders are entered once."""

    def __init__(self, load: LoadTree) -> None:
        self._load = load
        self._entered: set[bytes] = set()
        self.size_by_digest: dict[bytes, int] = {}
        self.unread: list[str] = []

    def add(self, path: str, entry: TreeEntry) -> None:
        """Takes in everything at and below `entry`."""
        # Not a call for each level: the tree of somebody else may have more levels than Python has calls.
        waiting = [(path, entry)]
        while waiting:
            path, entry = waiting.pop()
            if entry.is_file:
                self.size_by_digest[entry.digest] = entry.size
            if not entry.is_folder or entry.digest in self._entered:
                continue
            self._entered.add(entry.digest)
            try:
                children: Sequence[TreeEntry] = self._load(entry.digest).entries
            except MissingData:
                self.unread.append(path)
                continue
            waiting.extend((f"{path}/{child.name}", child) for child in reversed(children))


def _in_cache(cache: Cache, size_by_digest: Mapping[bytes, int]) -> tuple[int, int]:
    """Gives how many bytes of these contents the cache holds, and in how many bytes on the disk."""
    size = stored = 0
    for digest, length in size_by_digest.items():
        on_disk = stored_size(cache, digest)
        if on_disk is not None:
            size += length
            stored += on_disk
    return size, stored
