"""What of a cache or remote is still needed: every object below everything that could still be wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from dvcx.base.errors import DvcxError, Refused, RemoteError, shown
from dvcx.base.text import counted
from dvcx.formats.table import Role
from dvcx.manifest.files import is_lock_file, pointers_in, uncached_outs
from dvcx.model.pointer import data_path
from dvcx.operations.gc_sources import (
    PointerText,
    Source,
    folders_with_links,
    ids_in,
    placed_trees,
    pointer_texts,
    sources_of,
)
from dvcx.operations.own_copies import linked_digest
from dvcx.operations.selection import wanted_of
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.storage.reach import TreeSource, Wanted, reachable


class LiveObjects:
    """Finds what is needed, as often as it is asked; listings that came from a remote are fetched once.

    `remotes` open what is asked, one after the other, for listings of folders that the cache does not hold: only then,
    so that one which cannot be opened is in nobody's way. Trash entries `without` do not count.
    With `allow_missing` a listing that is nowhere is no reason to refuse.
    """

    def __init__(
        self,
        repo: Repo,
        cache: Cache,
        remotes: Mapping[str, Callable[[], TreeSource]],
        *,
        without: Collection[str] = (),
        allow_missing: bool = False,
    ) -> None:
        self._repo = repo
        self._cache = cache
        self._remotes = remotes
        self._allow_missing = allow_missing
        self._trees = _Trees()
        self.without = without
        self.unknown: list[Wanted] = []

    def find(self, *, all_of: bool = False) -> set[bytes]:
        """Gives the digests of all objects that something needs.

        Unless `all_of` it may leave out objects that the cache does not hold. Raises `Refused` when something that may
        need data cannot be read: a repository, a worktree, a pointer, a listing; `DamagedData` for a damaged listing.
        With `all_of` it is a `RemoteError` when that is for a remote which could not be asked.
        """
        self._cache.packs.look_again()
        sources = sources_of(self._repo)
        roots = list(self._roots(sources))
        reached = reachable(self._cache, roots, fallback=self._trees)
        live, unread = set(reached.wanted), reached.unread
        if unread and not all_of and not self._has_more_than(live):
            unread = []  # nothing could go, whatever they say: nobody is asked for them
        if unread:
            live, unread = self._ask_remotes(live, unread)
        self.unknown = unread
        if unread and not self._allow_missing and (all_of or self._has_more_than(live)):
            raise _not_known(unread, self._errors, RemoteError if all_of and self._errors else Refused)
        placed = [Wanted(digest, Role.TREE, 0, path) for source in sources for path, digest in placed_trees(source)]
        there = {each.digest for each in placed} - self._cache.missing(each.digest for each in placed)
        recorded = [each for each in placed if each.digest in there and self._role_of(each.digest) is Role.TREE]
        live |= {each.digest for each in reachable(self._cache, recorded).wanted.values() if each.role is Role.TREE}
        if any(digest not in live for digest, _ in self._cache.loose.all()):
            live |= _linked(self._cache, sources)
        return live

    def _roots(self, sources: Iterable[Source]) -> Iterator[Wanted]:
        seen: set[tuple[bytes, Role]] = set()
        for source in sources:
            for each in pointer_texts(source, self.without):
                for wanted in self._wanted(each):
                    if (wanted.digest, wanted.role) not in seen:
                        seen.add((wanted.digest, wanted.role))
                        yield wanted

    def _wanted(self, each: PointerText) -> Iterator[Wanted]:
        """Gives what a text names; of one that is no pointer, such as a committed conflict, all that looks like an id.

        Texts in the trash have no path, so they count as the latter.
        """
        name = self._repo.algorithm.name
        try:
            pointers = pointers_in(each.text, each.path)
        except DvcxError:
            for digest in ids_in(each.text, name):
                role = self._role_of(digest) or (Role.TREE if b"type: folder" in each.text else Role.BLOB)
                yield Wanted(digest, role, 0, data_path(each.path))
            return
        for path, pointer in pointers.items():
            if pointer.id.algorithm == name:
                yield wanted_of(pointer, path)
        if is_lock_file(each.path):
            # What a stage made and Git keeps: here only if it was stored for the run cache.
            for out in uncached_outs(each.text, each.path):
                held = self._role_of(out.digest)
                if out.algorithm == name and held is not None:
                    yield Wanted(out.digest, held, 0, each.path)

    def _role_of(self, digest: bytes) -> Role | None:
        place = self._cache.packs.find(digest)
        if place is not None:
            return Role(place.record.role)
        return Role.BLOB if self._cache.loose.has(digest) else None

    def _has_more_than(self, live: Collection[bytes]) -> bool:
        return any(stored.digest not in live for stored in self._cache.ids())

    def _ask_remotes(self, live: set[bytes], unread: list[Wanted]) -> tuple[set[bytes], list[Wanted]]:
        self._errors: list[str] = []
        for name, opened in self._remotes.items():
            try:
                remote = opened()
            except DvcxError as error:
                self._errors.append(f"remote {name}: {error.message}")
                continue
            try:
                more = reachable(self._cache, unread, fallback=_Either(self._trees, remote))
            except RemoteError as error:
                self._errors.append(f"remote {name}: {error.message}")
                continue
            self._trees.data.update(more.trees)
            live |= more.wanted.keys()
            unread = more.unread
            if not unread:
                break
        return live, unread

    _errors: Sequence[str] = ()


class _Trees:
    """Listings that were read from a remote already."""

    def __init__(self) -> None:
        self.data: dict[bytes, bytes] = {}

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        return {digest for digest in digests if digest not in self.data}

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        return ((digest, self.data[digest]) for digest in digests)


class _Either:
    """The first source that has a tree."""

    def __init__(self, first: TreeSource, second: TreeSource) -> None:
        self._first = first
        self._second = second

    def missing(self, digests: Iterable[bytes]) -> set[bytes]:
        absent = self._first.missing(digests)
        return self._second.missing(absent) if absent else absent

    def read_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        wanted = set(digests)
        absent = self._first.missing(wanted)
        yield from self._first.read_many(wanted - absent)
        if absent:
            yield from self._second.read_many(absent)


def _not_known(
    unread: Sequence[Wanted], errors: Sequence[str], kind: type[Refused] | type[RemoteError]
) -> Refused | RemoteError:
    names = sorted({each.path or each.digest.hex()[:12] for each in unread})
    which = counted(len(unread), "tracked folder has its listing", "tracked folders have their listings")
    lost = "if they are lost for good, --allow-missing goes on without them"
    if errors:
        return kind(
            f"{which} not in the cache, so nobody can tell which data they need: {shown(names, 5)}; "
            f"a remote may have them, and not all could be asked: {'; '.join(errors)}",
            f"set that right, or take the remote out with `dvcx remote remove`; {lost}",
        )
    return Refused(
        f"{which} neither in the cache nor on a remote, so nobody can tell which data they need: {shown(names, 5)}",
        f"run `dvcx push` where they were added, or `dvcx fetch --all-commits`; {lost}",
        names,
    )


def _linked(cache: Cache, sources: Iterable[Source]) -> set[bytes]:
    """Gives the objects to which a symbolic link in a working tree or the trash leads: the link is all of that file."""
    prefix = str(cache.loose.root) + os.sep
    found: set[bytes] = set()
    for source in sources:
        for top in folders_with_links(source):
            for folder, folders, names in os.walk(top):
                if ".git" in folders:
                    folders.remove(".git")
                for name in (*names, *folders):
                    path = os.path.join(folder, name)
                    if os.path.islink(path):
                        digest = linked_digest(cache, prefix, os.readlink(path))
                        if digest is not None:
                            found.add(digest)
    return found
