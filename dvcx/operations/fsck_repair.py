"""Mending the cache: what is damaged is set aside, then good copies come from the workspace and from the remotes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from dvcx.base.errors import DamagedData, DvcxError, MissingData, RemoteError
from dvcx.base.hashing import hash_file
from dvcx.base.progress import Progress
from dvcx.formats.table import Role
from dvcx.formats.tree_bytes import dump_tree
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.fsck_names import TrackedNames
from dvcx.operations.own_copies import detach_links
from dvcx.operations.remotes import open_remote
from dvcx.repo.record import Repo, open_state, scan_rules
from dvcx.storage.cache import Cache
from dvcx.storage.cache_findings import CacheFindings, Damaged
from dvcx.storage.cache_quarantine import set_aside
from dvcx.storage.download import download, plan_download
from dvcx.storage.reach import Wanted
from dvcx.storage.remote import Remote
from dvcx.workspace.scan import scan


class CacheRepair:
    """One repair of the cache. `names` are the tracked paths of what is damaged; `notes` say what could not be used."""

    def __init__(self, repo: Repo, cache: Cache, found: CacheFindings, progress: Progress) -> None:
        self._repo = repo
        self._cache = cache
        self._found = found
        self._progress = progress
        self._lost: set[bytes] = set()
        self._known = {each.digest for each in found.damaged if each.digest is not None}
        self.names = TrackedNames(repo, cache)
        self.names.look(self._known)
        self.set_aside_files: tuple[Path, ...] = ()
        self.notes: list[str] = []

    def run(self) -> None:
        """Sets aside what is damaged and brings back what can be had; listings first, because they name the rest."""
        broken = {each.pack for each in self._found.damaged if each.pack is not None and each.digest is None}
        held = self._cache.packs
        inside = {r.digest for name in broken for r in held.indexed_records_of(name) or held.claimed_records_of(name)}
        # A file that was edited through a symbolic link is the damaged object itself: its edit stays where it is.
        kept = detach_links(self._repo, self._cache, self._known)
        self.notes += [f"{path} has the damaged content still, as a file of its own" for path in kept]
        aside = set_aside(self._cache, self._found)
        self.set_aside_files = aside.files
        self._cache.packs.look_again()
        self._lost = set(aside.lost) | self._cache.missing(inside)
        remotes = self._remotes()
        while True:
            if broken:
                # What a pack held that cannot be read is not known for sure: all small things that are tracked and
                # not here may have been in it.
                self._lost |= self._small_and_missing(self.names.tracked_now())
            before = set(self._lost)
            self._bring_back(remotes)
            if self._lost == before:
                break
        if broken:
            absent = self._small_and_missing(self.names.tracked_before())
            for remote in remotes:
                absent = remote.missing(absent)
            self._lost |= absent
        self.names.look(self._lost | self._known)

    def _bring_back(self, remotes: Iterable[Remote]) -> None:
        self.names.look(self._lost | self._known)
        self._from_workspace()
        for remote in remotes:
            self._from_remote(remote)
        self._rebuild_listings()
        self._cache.packs.look_again()
        self._lost = self._cache.missing(self._lost)

    def state_of(self, each: Damaged) -> str:
        """Gives what became of something damaged."""
        if each.digest is None:
            return "lost" if each.pack is not None and any(self.also_lost()) else "repaired"
        return self._state_of_lost(each.digest) if each.digest in self._lost else "repaired"

    def also_lost(self) -> Iterator[tuple[bytes, str]]:
        """Gives objects that were in a pack which could not be read, and that are needed; each with the reason."""
        for digest in sorted(self._lost - self._known):
            if self._state_of_lost(digest) == "lost":
                yield digest, "it seems to have been in a pack that cannot be read, and no good copy was found"

    def _state_of_lost(self, digest: bytes) -> str:
        # Other projects that share the cache may need what this one does not know.
        return "lost" if self.names.of(digest) or self._repo.is_cache_shared else "not needed"

    def _small_and_missing(self, tracked: Iterable[Wanted]) -> set[bytes]:
        limit = self._cache.settings.pack_below
        return self._cache.missing({each.digest for each in tracked if each.role is Role.TREE or each.size < limit})

    def _remotes(self) -> list[Remote]:
        remotes = []
        for name in self._repo.config.remotes:
            try:
                remote = open_remote(self._repo, name)
                if remote.describe() is not None:
                    remotes.append(remote)
            except DvcxError as error:
                self.notes.append(f'remote "{name}" could not be asked for good copies: {error.message}')
        return remotes

    def _from_workspace(self) -> None:
        """Takes files of the workspace that have the content still; each is hashed while it is taken."""
        files = [
            (digest, self._repo.root / use.path)
            for digest in self._lost
            for use in self.names.now.get(digest, ())
            if use.role is Role.BLOB
        ]
        with self._cache.writer() as writer:
            for digest, path in files:
                # Hashed before, too: another content must not come into the cache by this.
                if path.is_file() and not path.is_symlink() and hash_file(self._cache.algorithm, path) == digest:
                    try:
                        writer.put_file(Role.BLOB, digest, path)
                    except DamagedData:
                        continue  # someone is writing to it

    def _from_remote(self, remote: Remote) -> None:
        try:
            wanted = self._wanted(remote)
            if wanted:
                plan = plan_download(self._cache, remote, wanted)
                download(plan, self._cache, remote, self._progress, partial=self._cache.root / "partial")
        except (RemoteError, DamagedData, MissingData) as error:
            self.notes.append(f"{remote.label} could not give all good copies: {error.message}")

    def _wanted(self, remote: Remote) -> Mapping[bytes, Wanted]:
        wanted: dict[bytes, Wanted] = {}
        for digest in self._cache.missing(self._lost):
            use = self.names.wanted(digest)
            place = remote.catalog().find(digest)
            if place is None:
                continue
            if use is None:
                # Nothing tracked says what it is; the remote does.
                is_large = place.record.role == Role.RECIPE
                role = Role.BLOB if is_large else Role(place.record.role)
                size = remote.recipe(place).total if is_large else place.record.raw
                use = Wanted(digest, role, size, digest.hex()[:12])
            wanted[digest] = use
        return wanted

    def _rebuild_listings(self) -> None:
        """Makes listings anew from folders of the workspace that are as they were."""
        trees = [d for d in self._lost for use in self.names.now.get(d, ()) if use.role is Role.TREE]
        if not self._cache.missing(trees):
            return
        state = open_state(self._repo)
        prefix = str(self._cache.loose.root) + os.sep
        for path in workspace_manifest(self._repo.root, self._repo.git).pointers:
            try:
                found = scan(self._repo.root, path, state, scan_rules(self._repo), cache_prefix=prefix)
            except (DvcxError, OSError):
                continue
            rebuilt = {d: tree for d, tree in (found.trees if found else {}).items() if d in trees}
            if rebuilt:
                with self._cache.writer() as writer:
                    for digest, tree in rebuilt.items():
                        writer.put(Role.TREE, digest, dump_tree(tree))
        state.close()
