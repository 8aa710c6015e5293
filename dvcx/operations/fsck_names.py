"""Which tracked paths an object stands for: so that damage is told in words that people know."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from dvcx.base.errors import DvcxError
from dvcx.base.paths import MAX_PATH_BYTES
from dvcx.formats.table import Role
from dvcx.formats.tree_bytes import TreeReader
from dvcx.git.roots import all_roots
from dvcx.manifest.files import pointers_in
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.gc_sources import history_texts
from dvcx.operations.selection import wanted_of
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.storage.reach import Wanted


class TrackedNames:
    """The paths of objects: of now first, then those that only older commits have.

    What is below a listing that is damaged or missing has no names.
    """

    def __init__(self, repo: Repo, cache: Cache) -> None:
        self._repo = repo
        self._cache = cache
        self.now: dict[bytes, list[Wanted]] = {}
        self.before: dict[bytes, list[Wanted]] = {}

    def look(self, digests: Collection[bytes]) -> None:
        """Finds the paths of `digests`, anew: listings may have been repaired since."""
        self.now = _places(self._cache, self._current(), digests)
        rest = [digest for digest in digests if digest not in self.now]
        self.before = _places(self._cache, self._former(), rest) if rest else {}

    def of(self, digest: bytes) -> tuple[str, ...]:
        """Gives the paths of one object, those of older commits marked as such; none when nothing tracked needs it."""
        if digest in self.now:
            return tuple(sorted(each.path for each in self.now[digest]))
        return tuple(sorted(f"{each.path} (in older commits)" for each in self.before.get(digest, ())))

    def wanted(self, digest: bytes) -> Wanted | None:
        """Gives one tracked use of the object, with its role and size; None when there is none."""
        uses = self.now.get(digest) or self.before.get(digest)
        return uses[0] if uses else None

    def tracked_now(self) -> Iterator[Wanted]:
        """Gives all that the pointers of now need, as far as listings can be read."""
        return _walk(self._cache, self._current())

    def tracked_before(self) -> Iterator[Wanted]:
        """Gives all that pointers in any commit need, as far as listings can be read."""
        return _walk(self._cache, self._former())

    def _current(self) -> Iterator[Wanted]:
        for path, pointer in workspace_manifest(self._repo.root, self._repo.git).pointers.items():
            if pointer.id.algorithm == self._repo.algorithm.name:
                yield wanted_of(pointer, path)

    def _former(self) -> Iterator[Wanted]:
        if self._repo.git is None:
            return
        try:
            for each in history_texts(self._repo.git, all_roots(self._repo.git)):
                try:
                    pointers = pointers_in(each.text, each.path)
                except DvcxError:
                    continue
                for path, pointer in pointers.items():
                    if pointer.id.algorithm == self._repo.algorithm.name:
                        yield wanted_of(pointer, path)
        except DvcxError:
            return  # a history that cannot be read wholly gives the names that it gives


def _places(cache: Cache, roots: Iterable[Wanted], digests: Collection[bytes]) -> dict[bytes, list[Wanted]]:
    found: dict[bytes, list[Wanted]] = {}
    for each in _walk(cache, roots):
        if each.digest in digests:
            found.setdefault(each.digest, []).append(each)
    return found


def _walk(cache: Cache, roots: Iterable[Wanted]) -> Iterator[Wanted]:
    """Gives everything at and below `roots`, each object once for each path; what cannot be read is not entered."""
    seen: set[tuple[bytes, str]] = set()
    reader = TreeReader()
    waiting = list(roots)
    while waiting:
        each = waiting.pop()
        if (each.digest, each.path) in seen:
            continue
        seen.add((each.digest, each.path))
        yield each
        if each.role is not Role.TREE:
            continue
        try:
            entries = reader.parse(each.digest, cache.read(each.digest), each.path).entries
        except DvcxError:
            continue
        above = each.path[:MAX_PATH_BYTES]  # nothing longer can be tracked, and memory has an end
        for entry in entries:
            if not entry.is_link:
                role = Role.TREE if entry.is_folder else Role.BLOB
                size = 0 if entry.is_folder else entry.size
                waiting.append(Wanted(entry.digest, role, size, f"{above}/{entry.name}"))
