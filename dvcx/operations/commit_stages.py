"""Storing what the workspace has of the outputs of stages, as after `repro --no-commit`, and noting it in the lock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dvcx.base.files import write_all_atomically
from dvcx.base.scratch import scratch_folder
from dvcx.model.run_record import Recorded, RunRecord
from dvcx.model.stage import PIPELINE_FILE, Stage
from dvcx.operations.looking import cache_prefix
from dvcx.operations.targets import Target
from dvcx.pipeline.current import project_path_of, recorded_entry
from dvcx.pipeline.lock_files import LockFiles
from dvcx.repo.record import Repo, open_cache, open_state, scan_rules, scratch_root
from dvcx.workspace.intake import CacheIntake
from dvcx.workspace.scan import scan


@dataclass(frozen=True, slots=True)
class StageOutput:
    """An output that was stored: its id, size, number of files, and whether the lock names other content now."""

    path: str
    recorded: Recorded
    lock_file: str
    is_new: bool


def commit_outputs(repo: Repo, targets: Sequence[Target]) -> list[StageOutput]:
    """Stores the outputs of stages at `targets`, which are in the workspace; the caller holds the workspace lock.

    What the last run depended on stays as recorded. Raises `Refused` for what cannot be tracked.
    """
    cache, state = open_cache(repo), open_state(repo)
    locks = LockFiles(repo.root)
    done: list[StageOutput] = []
    with cache.lock.shared(repo.config.core.lock_timeout):
        with cache.writer() as writer:
            for target in targets:
                scanned = scan(
                    repo.root,
                    target.output,
                    state,
                    scan_rules(repo),
                    tracked=target.output,
                    intake=CacheIntake(writer),
                    cache_prefix=cache_prefix(cache),
                )
                stage = _stage(target.pointer.stage or "")
                record = locks.record(stage)
                if scanned is None or record is None:
                    continue
                found = recorded_entry("", scanned.entry, repo.algorithm)
                changed, new = _with_output(stage, record, target.output, found)
                if not new.same(found) or changed != record:
                    locks.put(stage, changed)
                state.set_baseline(target.output, scanned.entry.digest)
                done.append(StageOutput(target.output, new, stage.lock_file, changed != record))
        texts = {path: text.encode("utf-8", "surrogateescape") for path, text in locks.texts()}
        if texts:
            with scratch_folder(scratch_root(repo)) as scratch:
                write_all_atomically(texts, scratch, durable=repo.durable)
    state.close()
    cache.close()
    return done


def runs_of(repo: Repo, addresses: Iterable[str]) -> list[tuple[str, RunRecord]]:
    """Gives the recorded runs of the stages at `addresses`, each with the project folder of its `dvcx.lock`."""
    locks = LockFiles(repo.root)
    stages = [_stage(address) for address in addresses]
    return [(stage.folder, record) for stage in stages if (record := locks.record(stage)) is not None]


def _stage(address: str) -> Stage:
    file, _, name = address.rpartition(":")
    return Stage(address, name, file or PIPELINE_FILE, ())


def _with_output(stage: Stage, record: RunRecord, path: str, found: Recorded) -> tuple[RunRecord, Recorded]:
    """Gives the record with other content for one output, and that output."""
    result = found

    def updated(out: Recorded) -> Recorded:
        nonlocal result
        if out.members is not None:
            return replace(out, members=tuple(map(updated, out.members)))
        if project_path_of(stage.folder, out.text) != path:
            return out
        result = replace(out, id=found.id, size=found.size, files=found.files, executable=found.executable)
        return result

    return replace(record, outs=tuple(map(updated, record.outs))), result
