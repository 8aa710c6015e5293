"""The outputs of stages: out of the way before a run, back from the cache, into the cache and `dvcx.lock` after it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from dvcx.base.errors import MissingData, Refused, StageFailed, shown
from dvcx.base.files import closing, write_all_atomically
from dvcx.base.moving import remove_tree
from dvcx.base.paths import open_folder
from dvcx.base.scratch import scratch_folder
from dvcx.manifest.files import pointer_of
from dvcx.model.ids import Kind
from dvcx.model.run_record import Recorded, RunRecord
from dvcx.model.stage import Out, Stage
from dvcx.model.tree import TreeEntry
from dvcx.operations.checkout import CheckoutOptions, checkout, checkout_opened
from dvcx.operations.looking import cache_prefix
from dvcx.operations.own_copies import make_own_copies
from dvcx.operations.pointers import PointerChange, ignore_texts
from dvcx.operations.relink import relink
from dvcx.operations.stage_view import StageView, entry_of_recorded
from dvcx.operations.targets import Target
from dvcx.pipeline.current import Current, lock_text_of, project_path_of, recorded_out
from dvcx.pipeline.run_cache import RunCache, is_cacheable, run_key
from dvcx.repo.record import note_cache_use, open_state, open_trash, scan_rules, scratch_root, workspace_lock
from dvcx.storage.cache_writer import CacheWriter
from dvcx.storage.trash_entry import TrashEntry
from dvcx.workspace.intake import CacheIntake
from dvcx.workspace.scan import scan

_LOCK_WAIT = 600.0
"""Seconds to wait for a command that holds the project: what a stage made is worth waiting for."""


class OutputKeeper:
    """Takes care of the outputs of one `repro`. What nobody could bring back otherwise goes to one trash entry."""

    def __init__(self, view: StageView, run_cache: RunCache, *, store: bool = True) -> None:
        self._view = view
        self._repo = view.repo
        self.run_cache = run_cache
        self.store = store
        self._stack = ExitStack()
        self._trash: TrashEntry | None = None
        self._declared: dict[str, set[str]] = {}
        for stage in view.pipeline.stages.values():
            self._declared.setdefault(stage.lock_file, set()).add(stage.name)

    def close(self) -> None:
        """Ends the trash entry."""
        self._stack.close()

    def clear(self, stage: Stage) -> None:
        """Removes what is at the stage's outputs, so that a run starts from nothing; what `persist` names stays.

        Outputs that stay become own copies where they are links into the cache: the command may write into them.
        """
        record = self._view.locks.record(stage)
        known = {} if record is None else {each.text: each for each in flat(record.outs)}
        kept: list[str] = []
        for out in stage.outs:
            for path in self._paths(stage, out, record):
                if not os.path.lexists(self._repo.root / path):
                    continue
                if out.persist:
                    kept.append(path)
                else:
                    self._remove(path, known.get(lock_text_of(stage, path)))
                self._view.present.forget(path)
            if not out.is_pattern:
                (self._repo.root / out.path).parent.mkdir(parents=True, exist_ok=True)
        if kept:
            make_own_copies(self._repo, self._view.cache, self._view.state, kept)

    def restore(self, stages: Sequence[tuple[Stage, RunRecord]]) -> set[str]:
        """Makes the outputs of each stage what the record says, from the cache; what is in the way goes to the trash.

        Gives the addresses of stages of which the cache turns out not to have all, or to have something damaged.
        """
        view = self._view
        pairs = [(stage, each) for stage, record in stages for each in flat(record.outs) if each.id is not None]
        targets = [Target(project_path_of(stage.folder, each.text), pointer_of(each)) for stage, each in pairs]
        with workspace_lock(self._repo).exclusive(_LOCK_WAIT):
            state = open_state(self._repo)  # what others recorded since this command began counts
            done = checkout_opened(self._repo, view.cache, state, targets, CheckoutOptions(force=True))
            for target, (_, each) in zip(targets, pairs, strict=True):
                if not each.cache:  # it is Git's: no later checkout is to take it away
                    state.set_baseline(target.output, None)
            state.close()
            self._remove_strangers(stages)
        bad = (*done.missing, *done.damaged)
        lacking = {
            stage.address
            for target, (stage, _) in zip(targets, pairs, strict=True)
            if any(path == target.output or path.startswith(f"{target.output}/") for path in bad)
        }
        for target, (stage, each) in zip(targets, pairs, strict=True):
            if stage.address in lacking:
                view.present.forget(target.output)
            else:
                view.present.made(target.output, entry_of_recorded(each), view.load)
        return lacking

    def _remove_strangers(self, stages: Sequence[tuple[Stage, RunRecord]]) -> None:
        """Moves to the trash what matches a pattern of outputs and was not made by the run that was restored."""
        for stage, record in stages:
            known = {project_path_of(stage.folder, each.text) for each in flat(record.outs)}
            for out in stage.outs:
                for path in self._view.sources.matching(out.path) if out.is_pattern else ():
                    if path not in known:
                        self._remove(path, None)
                        self._view.present.forget(path)

    def need_inputs(self, stage: Stage, current: Current, *, pull: bool) -> None:
        """Sees to it that all that the stage reads is in the workspace: from the cache, with `pull` from the remote.

        Raises `DvcxError` that names what is not to be had.
        """
        for dep in current.absent:
            raise MissingData(
                f"its dependency {dep.text} is not there, and no pointer or stage says what it is",
                f"put {dep.text} there, or take it out of the deps of {stage.address}",
                [dep.text],
            )
        for file in stage.params:
            lacking = set(file.keys or ()) - current.inputs.params.get(lock_text_of(stage, file.path), {}).keys()
            if lacking:
                raise MissingData(
                    f"{file.path} has no parameter {shown(sorted(lacking))}",
                    f"write it there, or take it out of the params of {stage.address}",
                    sorted(lacking),
                )
        paths = [dep.path for dep in current.elsewhere]
        if paths:
            self._bring(paths, pull=pull)

    def _bring(self, paths: Sequence[str], *, pull: bool) -> None:
        if pull:
            from dvcx.operations.pull import pull as pull_data  # loads the remotes, which few runs need

            problem = pull_data(self._repo, paths).problem()
        else:
            problem = checkout(self._repo, paths).problem()
        for path in paths:
            self._view.present.forget(path)
        if isinstance(problem, MissingData):
            raise MissingData(
                f"its dependency {shown(list(paths), 3)} is not here, nor in the cache",
                f"get it with `dvcx pull {paths[0]}`, or add --pull",
                paths,
            )
        if problem is not None:
            raise problem

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """Gives a context that takes the outputs of stages, and at its end has all of them stored and recorded."""
        note_cache_use(self._repo)
        # No garbage collection between an object and the lock that names it.
        with self._view.cache.lock.shared(_LOCK_WAIT):
            with self._view.cache.writer() as writer:
                batch = Batch(self._view, writer, self._declared, store=self.store)
                yield batch
            self._view.cache.packs.look_again()
            with workspace_lock(self._repo).exclusive(_LOCK_WAIT):
                batch.record(self.run_cache)

    def _paths(self, stage: Stage, out: Out, record: RunRecord | None) -> list[str]:
        if not out.is_pattern:
            return [out.path]
        text = lock_text_of(stage, out.path)
        old = next((each for each in record.outs if each.text == text), None) if record is not None else None
        members = [project_path_of(stage.folder, each.text) for each in (old.members or ())] if old is not None else []
        return sorted({*members, *self._view.sources.matching(out.path)})

    def _remove(self, path: str, recorded: Recorded | None) -> None:
        entry = self._view.present.at(path)
        if entry is not None and recorded is not None and self._is_safe(entry, recorded):
            with closing(os.open(self._repo.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as root:
                *folders, name = path.split("/")
                with closing(open_folder(root, folders)) as parent:
                    remove_tree(parent, name)
            return
        if self._trash is None:
            self._trash = self._stack.enter_context(open_trash(self._repo).entry("repro", self._repo.root))
        self._trash.move_all([(self._repo.root / path, path)])

    def _is_safe(self, entry: TreeEntry, recorded: Recorded) -> bool:
        return (
            recorded.id is not None
            and entry.digest == recorded.id.digest
            and entry.same_content(entry_of_recorded(recorded))
            and self._view.holds(recorded)
        )


@dataclass(slots=True)
class _Taken:
    stage: Stage
    record: RunRecord
    old: RunRecord | None
    is_run: bool


@dataclass(slots=True)
class Batch:
    """What several stages made, on its way into the cache and the lock files."""

    view: StageView
    writer: CacheWriter
    declared: Mapping[str, Collection[str]]
    store: bool = True
    taken: list[_Taken] = field(default_factory=list)

    def take(self, stage: Stage, inputs: RunRecord) -> RunRecord:
        """Takes the outputs of a stage that ran on `inputs` and gives the record of the run.

        Raises `StageFailed` when it did not make an output, and `Refused` for one that cannot be tracked.
        """
        outs = tuple(self._output(stage, out) for out in stage.outs)
        old = self.view.locks.record(stage)
        record = RunRecord(
            inputs.cmd,
            inputs.deps,
            inputs.params,
            tuple(sorted(outs, key=lambda each: each.text)),
            old.extra if old is not None else {},
        )
        self.taken.append(_Taken(stage, record, old, is_run=True))
        return record

    def take_restored(self, stage: Stage, record: RunRecord) -> None:
        """Takes note of outputs that came from the cache."""
        self.taken.append(_Taken(stage, record, self.view.locks.record(stage), is_run=False))

    def record(self, run_cache: RunCache) -> None:
        """Writes ignore lines, then the lock files; everything they name is stored. Then the run cache hears of it."""
        view, repo = self.view, self.view.repo
        if not self.taken:
            return
        for each in self.taken:
            view.locks.put(each.stage, each.record)
        if not view.pipeline.broken:
            for file in {each.stage.lock_file for each in self.taken}:
                view.locks.keep_only(file, self.declared[file])
        texts = {path: text or "" for path, text in ignore_texts(repo, list(self._pointer_changes())).items()}
        texts.update(view.locks.texts())
        files = {path: text.encode("utf-8", "surrogateescape") for path, text in texts.items()}
        with scratch_folder(scratch_root(repo)) as scratch:
            write_all_atomically(files, scratch, durable=repo.durable)
        view.locks.written()
        self._note_placed()
        self._note_seen()
        for each in self.taken:
            if each.is_run and self.store and is_cacheable(each.stage):
                run_cache.put(run_key(each.stage, each.record), each.record)
        self.taken = []

    def _output(self, stage: Stage, out: Out) -> Recorded:
        paths = sorted(self.view.present.matching(out.path)) if out.is_pattern else [out.path]
        found = {path: self._scanned(stage, path) for path in paths}
        return recorded_out(stage, out, found, self.view.repo.algorithm)

    def _scanned(self, stage: Stage, path: str) -> TreeEntry:
        view = self.view
        scanned = scan(
            view.repo.root,
            path,
            view.state,
            scan_rules(view.repo),
            tracked=path,
            intake=CacheIntake(self.writer) if self.store else None,
            cache_prefix=cache_prefix(view.cache),
        )
        if scanned is None:
            raise StageFailed(
                f"stage {stage.address} ended well, but did not make its output {path}",
                "make the command write it, or take it out of the stage's outs",
            )
        if scanned.entry.is_link:
            raise Refused(
                f"the output {path} of stage {stage.address} is a symbolic link, which cannot be stored as data",
                "have the command write a file or folder there",
                [path],
            )
        trees = dict(scanned.trees)
        view.present.made(path, scanned.entry, lambda digest: trees.get(digest) or view.load(digest))
        return scanned.entry

    def _pointer_changes(self) -> Iterator[PointerChange]:
        for each in self.taken:
            folder = each.stage.folder
            old = {out.text: out for out in flat(each.old.outs) if out.cache} if each.old is not None else {}
            for out in flat(each.record.outs):
                if out.id is None:
                    continue
                pointer = pointer_of(out) if out.cache else None
                before = old.pop(out.text, None)
                if pointer is not None or before is not None:
                    was = pointer_of(before) if before is not None else None
                    yield PointerChange(project_path_of(folder, out.text), was, pointer)
            for out in old.values():
                yield PointerChange(project_path_of(folder, out.text), pointer_of(out), None)

    def _note_seen(self) -> None:
        """Remembers what was in the folders that stages ran with and that the cache knows nothing of."""
        view = self.view
        for each in self.taken:
            for dep in flat(each.record.deps) if each.is_run else ():
                if dep.id is None or dep.id.kind is not Kind.TREE or view.cache.has(dep.id.digest):
                    continue
                trees = view.present.known_trees(project_path_of(each.stage.folder, dep.text))
                if trees is not None:
                    view.seen.put(entry_of_recorded(dep), trees)

    def _note_placed(self) -> None:
        view = self.view
        entries: dict[str, TreeEntry] = {}
        state = open_state(view.repo)  # what others recorded since this command began stays
        for each in self.taken:
            for out in flat(each.record.outs):
                if out.id is not None and out.cache:
                    path = project_path_of(each.stage.folder, out.text)
                    entries[path] = entry_of_recorded(out)
                    state.set_baseline(path, out.id.digest)
        state.close()
        if self.store:
            relink(view.repo, view.cache, view.state, entries, view.load)
        view.state.save()


def flat(outs: Sequence[Recorded]) -> list[Recorded]:
    """Gives outputs, the members of patterns instead of the patterns."""
    return [each for out in outs for each in ((out,) if out.members is None else out.members)]
