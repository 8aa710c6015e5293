"""`dvcx whereis`: which of the cache and the remotes hold tracked data, wholly or in part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from dvcx.base.errors import DvcxError, MissingData, RemoteError, shown
from dvcx.base.text import counted
from dvcx.formats.table import Role
from dvcx.operations.remotes import every_remote, open_remote
from dvcx.operations.selection import Revisions
from dvcx.operations.targets import Target, check_inside
from dvcx.operations.transfer import TransferOptions, meant_by
from dvcx.repo.record import Repo, open_cache, tree_loader
from dvcx.storage.cache import Cache
from dvcx.storage.reach import Below, Reached, Wanted, reachable
from dvcx.storage.remote import Remote

State = Literal["all", "part", "none", "unknown"]


@dataclass(frozen=True, slots=True)
class Holding:
    """What one store holds of some data: `all` of its `objects`, `part` or `none`; `unknown` when it did not answer.

    `missing` are paths of files and folders that it lacks, `reason` tells why nothing is known.
    """

    store: str
    state: State
    objects: int
    missing: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where one path's data is: `objects` and `size` (bytes) in all, and what each store has of it.

    `nowhere` are paths of which no store that answered has the data.
    """

    path: str
    objects: int
    size: int
    holdings: tuple[Holding, ...]
    nowhere: tuple[str, ...]

    @property
    def copies(self) -> int:
        """On how many remotes all of it is."""
        return sum(1 for each in self.holdings if each.store != CACHE and each.state == "all")


@dataclass(frozen=True, slots=True)
class WhereisResult:
    """Where everything is that was asked for."""

    places: tuple[Whereabouts, ...]

    def problem(self) -> DvcxError | None:
        """Gives the error of data that is nowhere, or of a remote that did not answer, or None."""
        silent = {each.store: each.reason for place in self.places for each in place.holdings if each.reason}
        nowhere = sorted({path for place in self.places for path in place.nowhere})
        if silent:
            names = " and ".join(silent)
            return RemoteError(f"{names} could not be asked: {next(iter(silent.values()))}", "see `dvcx doctor`")
        if nowhere:
            return MissingData(
                f"the data of {counted(len(nowhere), 'path')} is in neither the cache nor a remote: {shown(nowhere)}",
                "run `dvcx push` where they were added",
                nowhere,
            )
        return None


CACHE = "cache"


def whereis(repo: Repo, paths: Sequence[str] = (), revisions: Revisions | None = None) -> WhereisResult:
    """Tells for each of `paths` (all tracked data when there are none) which stores hold its data.

    Every remote is listed once; nothing is written. Raises `UsageError` for paths that mean nothing.
    """
    cache = open_cache(repo)
    meant = meant_by(repo, paths, TransferOptions(revisions=revisions or Revisions()), cache)
    stores = _Stores(repo, cache)
    check_inside(meant.targets, tree_loader(cache))
    groups = [*_groups(meant.roots, meant.targets)]
    places = tuple(stores.place(path, roots, selection) for path, roots, selection in groups)
    cache.close()
    return WhereisResult(places)


def _groups(roots: Sequence[Wanted], targets: Sequence[Target]) -> Iterator[tuple[str, list[Wanted], Below | None]]:
    """Gives what is told in a line of its own: each target, or without targets (revisions) each path."""
    if targets:
        for target in targets:
            root = next(each for each in roots if each.path == target.output)
            yield target.path, [root], Below((target.path,)) if target.inner else None
        return
    for path in dict.fromkeys(root.path for root in roots):
        yield path, [root for root in roots if root.path == path], None


class _Stores:
    """The cache and the remotes of a project; a remote that fails is asked no more."""

    def __init__(self, repo: Repo, cache: Cache) -> None:
        self._cache = cache
        self._silent: dict[str, str] = {}
        self._remotes: dict[str, Remote] = {}
        for name in every_remote(repo) if repo.config.remotes else ():
            try:
                self._remotes[name] = open_remote(repo, name)
            except RemoteError as error:
                self._silent[name] = error.message

    def place(self, path: str, roots: list[Wanted], selection: Below | None) -> Whereabouts:
        """Gives where the data below `roots` is, as far as `selection` takes it."""
        reached = reachable(self._cache, roots, fallback=self, selection=selection)
        wanted = reached.wanted
        holdings = [_holding(CACHE, reached, self._cache.missing(wanted.keys()))]
        nowhere = self._cache.missing(wanted.keys())
        for name in (*self._remotes, *self._silent):
            absent = self._absent(name, wanted.keys())
            if absent is None:
                holdings.append(Holding(name, "unknown", len(wanted), (), self._silent[name]))
            else:
                holdings.append(_holding(name, reached, absent))
                nowhere &= absent
        lost = {wanted[digest].path for digest in nowhere} | {each.path for each in reached.unread}
        size = sum(each.size for each in wanted.values() if each.role is Role.BLOB)
        return Whereabouts(path, len(wanted), size, tuple(holdings), tuple(sorted(lost)))

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        """Gives those of `digests` that no remote holds. See `TreeSource`."""
        absent = set(digests)
        for name in list(self._remotes):
            found = self._absent(name, absent)
            absent = absent if found is None else found
        return absent

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Gives the content of each of `digests` from the first remote that holds it. See `TreeSource`."""
        left = set(digests)
        for name in list(self._remotes):
            absent = self._absent(name, left)
            if absent is not None:
                yield from self._remotes[name].read_many(left - absent)
                left = absent

    def _absent(self, name: str, digests: Iterable[bytes]) -> set[bytes] | None:
        if name in self._silent:
            return None
        try:
            absent = self._remotes[name].missing(digests)
            self._remotes[name].require_whole_index(len(absent))
            return absent
        except RemoteError as error:
            self._silent[name] = error.message
            del self._remotes[name]
            return None


def _holding(store: str, reached: Reached, absent: set[bytes]) -> Holding:
    wanted = reached.wanted
    state: State = "all" if not absent and not reached.unread else "none" if len(absent) == len(wanted) else "part"
    return Holding(store, state, len(wanted) - len(absent), tuple(sorted({wanted[d].path for d in absent})))
