"""`dvcx stage rm`: stages are taken out of `dvcx.yaml`, and what `dvcx.lock` recorded of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import UsageError
from dvcx.model.pipeline import Pipeline
from dvcx.operations.repro_options import Selection
from dvcx.operations.repro_targets import addresses_of
from dvcx.operations.stage_edit import pipeline_with, read_text, write_texts
from dvcx.pipeline.edit import without_stage
from dvcx.pipeline.lock_files import LockFiles
from dvcx.repo.record import Repo, workspace_lock


@dataclass(frozen=True, slots=True)
class StagesRemoved:
    """The addresses of the stages and groups that were taken out, their outputs, which stay, and the changed files."""

    stages: tuple[str, ...]
    outputs: tuple[str, ...]
    changed_files: tuple[str, ...]


def stage_rm(repo: Repo, folder: str, targets: Sequence[str]) -> StagesRemoved:
    """Takes stages out of their pipeline files. A group of generated stages goes as a whole.

    `targets` are typed in the project folder `folder`. Their outputs stay in the workspace. Raises `UsageError` for a
    target that is no stage or only a part of a group, `Refused` for a file that cannot be edited.
    """
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        pipeline = pipeline_with(repo, {})
        chosen: dict[str, list[str]] = {}
        for target in targets:
            address, members = _meant(pipeline, target, folder)
            chosen[address] = members
        texts: dict[str, str] = {}
        locks = LockFiles(repo.root)
        outputs: dict[str, None] = {}
        for address, members in chosen.items():
            file, _, name = address.rpartition(":")
            file = file or "dvcx.yaml"
            texts[file] = without_stage(texts.get(file) or read_text(repo, file), file, name)
            for member in members:
                stage = pipeline.stages[member]
                outputs.update(dict.fromkeys(out.path for out in stage.outs))
                locks.keep_only(stage.lock_file, set(locks.names(stage.lock_file)) - {stage.name})
        written: dict[Path, str | None] = {repo.root / file: text for file, text in texts.items()}
        written.update(locks.texts())
        files = write_texts(repo, "stage-rm", written)
    return StagesRemoved(tuple(chosen), tuple(path for path in outputs if os.path.lexists(repo.root / path)), files)


def _meant(pipeline: Pipeline, target: str, folder: str) -> tuple[str, list[str]]:
    """Gives the address of a stage or group as it stands in a file, and those of the stages that it is."""
    selection = Selection(folder=folder)
    for address in (f"{folder}/dvcx.yaml:{target}" if folder else target, target):
        if address in pipeline.groups:
            return address, list(pipeline.groups[address])
        if address in pipeline.broken and address not in pipeline.files:
            return address, []
    members = addresses_of(pipeline, target, selection)
    stage = pipeline.stages[members[0]]
    if len(members) > 1:
        raise UsageError(f"{target} is {len(members)} stages", f"name them: {', '.join(members[:3])}")
    if stage.group is not None:
        raise UsageError(
            f"{stage.address} is generated from {stage.group}, which stands in {stage.file}",
            f"edit its list there, or take all of it out: `dvcx stage rm {stage.group}`",
        )
    return stage.address, members
