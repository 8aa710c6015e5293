"""`dvcx export`: the data of a revision as plain files under their own names, for people without dvcx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dvcx.base.errors import DamagedData, DvcxError, MissingData, Refused, UsageError, shown
from dvcx.base.progress import SILENT, Progress, task
from dvcx.base.text import counted
from dvcx.formats.export_manifest import VERSION, ExportManifest, Wanted, parse_manifest
from dvcx.formats.table import Role
from dvcx.git.revisions import resolve
from dvcx.manifest.manifest import Manifest
from dvcx.manifest.trees import LoadTree
from dvcx.operations.export_place import open_place
from dvcx.operations.export_wanted import WantedFiles, wanted_files
from dvcx.operations.listings import far_loader
from dvcx.operations.remotes import open_remote
from dvcx.operations.revision import git_of, manifest_at
from dvcx.operations.targets import Target, resolve_targets
from dvcx.repo.record import Repo, note_cache_use, open_cache, tree_loader
from dvcx.storage import reach
from dvcx.storage.cache import Cache
from dvcx.storage.download import download, plan_download
from dvcx.storage.export_folder import FolderTarget
from dvcx.storage.export_plan import ExportPlan, plan_export
from dvcx.storage.export_target import ExportTarget
from dvcx.storage.export_write import Written, apply_export, is_right


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How to export: see `dvcx export --help`. `remote` is where data comes from that is not in the cache."""

    remote: str | None = None
    delete: bool = False
    verify: bool = False
    dry_run: bool = False
    jobs: int = 8


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export did or, with `dry_run`, would do.

    `written` and `deleted` are paths, `size` the bytes of what was written, `unchanged` counts files. `stale` are files
    of older exports that are wanted no more and were not to be deleted, `changed` those that stay because somebody else
    changed them. `links` are symbolic links that could not be exported, `empty` folders with nothing in them.
    `missing` and `damaged` are files that nobody has a good copy of; `wrong` those whose content in the place was found
    wrong and written anew by `--verify`.
    """

    place: str
    revision: str
    written: tuple[str, ...]
    size: int
    unchanged: int
    deleted: tuple[str, ...]
    stale: tuple[str, ...]
    changed: tuple[str, ...]
    links: tuple[str, ...]
    empty: tuple[str, ...]
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    wrong: tuple[str, ...]
    dry_run: bool

    def problem(self) -> DvcxError | None:
        """Gives the error of an export that is not complete, or None."""
        if self.damaged:
            return DamagedData(
                f"{counted(len(self.damaged), 'file is', 'files are')} damaged in the cache and not exported: "
                f"{shown(self.damaged)}",
                "run `dvcx fsck --repair`, then export again",
            )
        if self.missing:
            return MissingData(
                f"the data of {counted(len(self.missing), 'file')} is neither in the cache nor on the remote: "
                f"{shown(self.missing)}",
                "run `dvcx push` where they were added, then export again",
                self.missing,
            )
        return None


def export(
    repo: Repo,
    revision: str,
    url: str,
    directory: Path,
    paths: Sequence[str] = (),
    options: ExportOptions | None = None,
    progress: Progress = SILENT,
) -> ExportResult:
    """Makes the place at `url` hold the data of a revision, at `paths` or all of it; only what changed is written.

    Raises `Refused` when foreign files are where the export's own would go, `UsageError` for paths and places that
    mean nothing, `RemoteError` when the place or the remote fails. The result's `problem` tells whether all is there.
    """
    options = options or ExportOptions()
    commit = resolve(git_of(repo, f"look up {revision!r} in"), revision)
    manifest = manifest_at(repo, revision)
    targets = resolve_targets(manifest, paths)
    if not targets:
        raise UsageError(f"nothing is tracked at {revision}", "`dvcx ls --rev REV` shows what a revision has")
    target = open_place(repo, url, directory)
    note_cache_use(repo)
    cache = open_cache(repo)
    try:
        source = _Source(repo, cache, options.remote)
        wanted = _wanted(targets, source, manifest.label)
        known, there = _known(target, repo)
        scope = [each.path for each in targets] if paths else [""]
        plan = plan_export(wanted.files, known, there, lambda path: _is_within(path, scope), delete=options.delete)
        plan, wrong = _checked(plan, target, repo, progress, verify=options.verify)
        _refuse_foreign(plan, target)
        if options.dry_run:
            return _result(target, manifest, plan, None, wanted, wrong)
        bad = source.take_in(plan.writes, progress)
        made = _next_manifest(repo, manifest, commit, known, plan)
        if made == known and not plan.writes:
            return _result(target, manifest, plan, Written(0, 0, (), ()), wanted, wrong)
        with cache.lock.shared(repo.config.core.lock_timeout):
            written = apply_export(plan, made, cache, target, options.jobs, progress)
        missing = tuple(path for path in written.missing if path not in bad)
        written = replace(written, missing=missing, damaged=tuple(sorted({*written.damaged, *bad})))
        return _result(target, manifest, plan, written, wanted, wrong)
    finally:
        cache.close()
        if isinstance(target, FolderTarget):
            target.close()


class _Source:
    """Where the data comes from: the cache, and the remote for what is not in it, which is opened only then."""

    def __init__(self, repo: Repo, cache: Cache, remote: str | None) -> None:
        self._repo = repo
        self._cache = cache
        self._remote = remote

    def loader(self, targets: Sequence[Target], *, far: bool) -> LoadTree:
        """Gives a function that reads trees; with `far` from the remote too."""
        if not far:
            return tree_loader(self._cache)
        return far_loader(self._cache, open_remote(self._repo, self._remote), targets)

    @property
    def has_remote(self) -> bool:
        """Tells whether there is a remote to ask."""
        return bool(self._repo.config.remotes)

    def take_in(self, writes: Sequence[Wanted], progress: Progress) -> frozenset[str]:
        """Fetches what the cache lacks; gives the paths of what the remote has no good copy of."""
        wanted = {each.digest: reach.Wanted(each.digest, Role.BLOB, each.size, each.path) for each in writes}
        absent = self._cache.missing(wanted)
        if not absent or not self.has_remote:
            return frozenset()
        remote = open_remote(self._repo, self._remote)
        plan = plan_download(self._cache, remote, {digest: wanted[digest] for digest in absent})
        taken = download(plan, self._cache, remote, progress, partial=self._cache.root / "partial")
        bad = {each.digest for each in taken.damaged}
        return frozenset(each.path for each in writes if each.digest in bad)


def _wanted(targets: Sequence[Target], source: _Source, label: str) -> WantedFiles:
    """Gives what is to be exported; trees that are not in the cache are read from the remote."""
    try:
        return wanted_files(targets, source.loader(targets, far=False), label)
    except MissingData:
        if not source.has_remote:
            raise
        return wanted_files(targets, source.loader(targets, far=True), label)


def _known(target: ExportTarget, repo: Repo) -> tuple[ExportManifest | None, Mapping[str, int]]:
    there = target.files()
    if "dvcx.json" in there and any(path.startswith(("packs/", "index/", "keys/")) for path in there):
        raise Refused(
            f"{target.label} is a dvcx remote", "an export needs a place of its own: name a folder inside, or another"
        )
    data = target.manifest()
    if data is None:
        return None, there
    manifest = parse_manifest(data, f"the manifest in {target.label}")
    if manifest.hash != repo.algorithm.name:
        raise Refused(
            f"{target.label} has an export of a project that names contents by {manifest.hash}",
            "export to another place",
        )
    return manifest, there


def _is_within(path: str, scope: Sequence[str]) -> bool:
    return any(not each or path == each or path.startswith(each + "/") for each in scope)


def _checked(
    plan: ExportPlan, target: ExportTarget, repo: Repo, progress: Progress, *, verify: bool
) -> tuple[ExportPlan, tuple[str, ...]]:
    """Reads files that may be right already, with `verify` all; gives the plan with what was found, and the wrong."""
    to_read = (*plan.doubtful, *(plan.unchanged if verify else ()))
    if not to_read:
        return plan, ()
    right: set[str] = set()
    with task(progress, "checking", sum(each.size for each in to_read), "bytes") as shown_task:
        for each in to_read:
            if is_right(target, each, repo.algorithm):
                right.add(each.path)
            shown_task.advance(each.size)
    wrong = [each for each in plan.unchanged if verify and each.path not in right]
    return replace(
        plan,
        writes=(*plan.writes, *wrong),
        unchanged=(
            *(each for each in plan.unchanged if not verify or each.path in right),
            *(each for each in plan.doubtful if each.path in right),
        ),
        doubtful=(),
        foreign=tuple(sorted({*plan.foreign, *(each.path for each in plan.doubtful if each.path not in right)})),
    ), tuple(each.path for each in wrong)


def _refuse_foreign(plan: ExportPlan, target: ExportTarget) -> None:
    if plan.foreign:
        raise Refused(
            f"{target.label} has {counted(len(plan.foreign), 'file')} that no export wrote, or that somebody changed, "
            f"where exported ones would go: {shown(plan.foreign)}",
            "move them away, or export to another place",
            plan.foreign,
        )


def _next_manifest(
    repo: Repo, manifest: Manifest, commit: str, known: ExportManifest | None, plan: ExportPlan
) -> ExportManifest:
    """Gives what the place will have of the export's own, with what it had before of the files to be written."""
    gone = {*plan.deletes, *plan.changed}
    files = {path: each for path, each in (known.files if known is not None else {}).items() if path not in gone}
    files |= {each.path: each.exported for each in plan.unchanged}
    return ExportManifest(VERSION, repo.algorithm.name, manifest.label, commit, files)


def _result(
    target: ExportTarget,
    manifest: Manifest,
    plan: ExportPlan,
    written: Written | None,
    wanted: WantedFiles,
    wrong: tuple[str, ...],
) -> ExportResult:
    failed = {*written.missing, *written.damaged} if written is not None else set()
    return ExportResult(
        place=target.label,
        revision=manifest.label,
        written=tuple(sorted(each.path for each in plan.writes if each.path not in failed)),
        size=plan.size if written is None else written.size,
        unchanged=len(plan.unchanged),
        deleted=plan.deletes,
        stale=plan.stale,
        changed=plan.changed,
        links=wanted.links,
        empty=wanted.empty,
        missing=written.missing if written is not None else (),
        damaged=written.damaged if written is not None else (),
        wrong=wrong,
        dry_run=written is None,
    )
