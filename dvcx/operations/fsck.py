"""`dvcx fsck`: find what is damaged in the cache and on a remote, and mend it from the other side."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dvcx.base.errors import DamagedData, DvcxError, shown
from dvcx.base.progress import SILENT, Progress
from dvcx.base.text import counted
from dvcx.formats.table import Role
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.fsck_names import TrackedNames
from dvcx.operations.fsck_repair import CacheRepair
from dvcx.operations.remotes import open_remote
from dvcx.operations.selection import wanted_of
from dvcx.repo.record import Repo, open_cache, workspace_lock
from dvcx.storage.cache import Cache
from dvcx.storage.cache_fsck import check_cache
from dvcx.storage.reach import reachable
from dvcx.storage.remote import Remote
from dvcx.storage.remote_fsck import Finding, check_remote
from dvcx.storage.remote_repair import repair_remote


@dataclass(frozen=True, slots=True)
class FsckFinding:
    """One thing that is not as it should be: the object or file, where it lies, why, and the tracked paths it is for.

    `state` is `damaged`, after a repair `repaired`, `lost` (no good copy was found) or `not needed` (nothing that this
    repository tracks needs it), and `leftover` for what is no damage.
    """

    what: str
    where: str
    reason: str
    paths: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """What one store was found to be; `objects` and `size` (bytes) were checked where that is known.

    `absent` counts the objects of the present pointers that the cache does not have, which is no damage. `set_aside`
    are the damaged files, which are kept in the store's quarantine. `notes` tell why a repair could not use a source.
    """

    store: str
    objects: int | None
    size: int | None
    findings: tuple[FsckFinding, ...]
    set_aside: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    absent: int = 0


@dataclass(frozen=True, slots=True)
class FsckResult:
    """What was checked, and whether damage was to be repaired."""

    stores: tuple[StoreCheck, ...]
    repair: bool

    def problem(self) -> DvcxError | None:
        """Gives the error for damage that is there still, or None."""
        bad = [each for store in self.stores for each in store.findings if each.state in ("damaged", "lost")]
        if not bad:
            return None
        paths = sorted({path for each in bad for path in each.paths})
        names = f"; it affects {shown(paths)}" if paths else ""
        if not self.repair:
            return DamagedData(
                f"damage was found in {counted(len(bad), 'place')}{names}",
                "run the same command with --repair to mend it",
            )
        return DamagedData(
            f"no good copy was found of {counted(len(bad), 'damaged thing')}{names}",
            "push them from where good copies are, or add the files again; what is damaged is kept in the quarantine",
        )


def fsck(
    repo: Repo,
    *,
    cache: bool = True,
    remote: str | None = None,
    repair: bool = False,
    sample: float | None = None,
    progress: Progress = SILENT,
) -> FsckResult:
    """Checks every byte of the cache, and of the remote called `remote`; with `repair` mends what is damaged.

    The cache is mended from the workspace and from all remotes, then the remote from the cache. The result's `problem`
    tells whether damage is left. With `sample` (0 to 1) only that part of the remote's packs is read, chosen by chance;
    what index files and listings say is checked for all. Raises `RemoteError` when the remote cannot be checked.
    """
    far = open_remote(repo, remote) if remote is not None else None
    if repair:
        with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
            return _fsck(repo, cache, far, sample, repair=True, progress=progress)
    return _fsck(repo, cache, far, sample, repair=False, progress=progress)


def _fsck(
    repo: Repo, with_cache: bool, remote: Remote | None, sample: float | None, *, repair: bool, progress: Progress
) -> FsckResult:
    cache = open_cache(repo)
    stores = []
    if with_cache:
        stores.append(_check_cache(repo, cache, repair=repair, progress=progress))
    if remote is not None:
        stores.append(_check_remote(repo, cache, remote, sample, repair=repair, progress=progress))
    cache.close()
    return FsckResult(tuple(stores), repair)


def _check_cache(repo: Repo, cache: Cache, *, repair: bool, progress: Progress) -> StoreCheck:
    found = check_cache(cache, progress)
    mending = CacheRepair(repo, cache, found, progress)
    names = mending.names
    if repair and found.damaged:
        mending.run()
    findings = [
        FsckFinding(
            what=_id(repo, each.digest) if each.digest is not None else "file",
            where=str(each.path),
            reason=each.reason,
            paths=names.of(each.digest) if each.digest is not None else (),
            state=mending.state_of(each) if repair else "damaged",
        )
        for each in found.damaged
    ]
    findings += [
        FsckFinding(_id(repo, digest), "", why, names.of(digest), "lost") for digest, why in mending.also_lost()
    ]
    findings += [FsckFinding("file", str(path), "belongs to no object", (), "leftover") for path in found.leftovers]
    aside = tuple(map(str, mending.set_aside_files))
    absent = _absent(repo, cache)
    return StoreCheck("the cache", found.objects, found.bytes, tuple(findings), aside, tuple(mending.notes), absent)


def _absent(repo: Repo, cache: Cache) -> int:
    """Counts the objects that the pointers in the workspace need and the cache lacks, as far as listings are here."""
    cache.packs.look_again()
    pointers = workspace_manifest(repo.root, repo.git).pointers
    roots = [wanted_of(each, path) for path, each in pointers.items() if each.id.algorithm == repo.algorithm.name]
    try:
        return len(cache.missing(reachable(cache, roots).wanted))
    except DvcxError:  # a damaged listing: the findings tell
        return 0


def _check_remote(
    repo: Repo, cache: Cache, remote: Remote, sample: float | None, *, repair: bool, progress: Progress
) -> StoreCheck:
    found = check_remote(remote, sample, progress=progress)
    pieces = _uses_of_chunks(remote, {digest for each in found for digest in each.objects})
    objects = {each: {u for digest in each.objects for u in (digest, *pieces.get(digest, ()))} for each in found}
    names = TrackedNames(repo, cache)
    names.look(set().union(*objects.values()))
    lost: set[bytes] = set()
    aside: tuple[str, ...] = ()
    if repair and found:
        done = repair_remote(remote, cache, found, progress)
        lost, aside = set(done.lost), done.set_aside
    findings = [
        FsckFinding(
            what=each.trouble.value,
            where=each.name,
            reason=each.detail,
            paths=_paths(names, objects[each]),
            state=_remote_state(each, lost & objects[each], repair=repair),
        )
        for each in found
    ]
    known = set().union(*objects.values())
    names.look(lost - known)
    findings += [
        FsckFinding(_id(repo, digest), "", "no good copy of it was found", names.of(digest), "lost")
        for digest in sorted(lost - known)
    ]
    return StoreCheck(remote.label, None, None, tuple(findings), aside)


def _remote_state(each: Finding, lost: Collection[bytes], *, repair: bool) -> str:
    if not each.is_damage:
        return "leftover"
    if not repair:
        return "damaged"
    # Others may push to the same remote, so what this repository does not know counts as needed, too.
    return "lost" if lost else "repaired"


def _uses_of_chunks(remote: Remote, digests: Collection[bytes]) -> dict[bytes, list[bytes]]:
    """Gives for chunks among `digests` the large objects that are made of them."""
    uses: dict[bytes, list[bytes]] = {}
    catalog = remote.catalog()
    for index in catalog.indexes if digests else ():
        for record in index.records():
            if record.role == Role.RECIPE and (place := catalog.find(record.digest)) is not None:
                try:
                    chunks = {digest for digest, _ in remote.recipe(place).entries}
                except DvcxError:
                    continue
                for digest in chunks.intersection(digests):
                    uses.setdefault(digest, []).append(record.digest)
    return uses


def _paths(names: TrackedNames, digests: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(sorted({path for digest in digests for path in names.of(digest)}))


def _id(repo: Repo, digest: bytes) -> str:
    return f"{repo.algorithm.name}:{digest.hex()}"
