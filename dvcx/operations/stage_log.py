"""`dvcx stage log`: the kept runs of a stage, and what it wrote."""

from __future__ import annotations

from dataclasses import dataclass

from dvcx.base.errors import UsageError
from dvcx.operations.repro_options import Selection
from dvcx.operations.repro_targets import addresses_of
from dvcx.operations.stage_view import load_workspace_pipeline, run_logs
from dvcx.pipeline.run_log import LoggedRun
from dvcx.repo.record import Repo


@dataclass(frozen=True, slots=True)
class StageLogResult:
    """The runs of a stage that are kept, the newest first; `output` is what it wrote in the one that was asked for.

    `path` is the file that has it; both are None when it is not there any more.
    """

    stage: str
    runs: tuple[LoggedRun, ...]
    number: int
    output: str | None
    path: str | None


def stage_log(repo: Repo, target: str, folder: str, number: int = 1) -> StageLogResult:
    """Gives the runs of the stage that `target`, typed in the project folder `folder`, means; 1 is the newest.

    A stage that `dvcx.yaml` does not have any more can be named by its address. Raises `UsageError` for a stage that
    never ran here, or not so often.
    """
    logs = run_logs(repo)
    runs = logs.of(target)
    address = target
    if not runs:
        found = addresses_of(load_workspace_pipeline(repo), target, Selection(folder=folder))
        if len(found) > 1:
            names = ", ".join(found[:3])
            raise UsageError(f"{target} is {len(found)} stages", f"name one of them: {names}")
        address = found[0]
        runs = logs.of(address)
    if not runs:
        raise UsageError(f"stage {address} never ran in this worktree", f"run it with `dvcx repro {address}`")
    if not 1 <= number <= len(runs):
        kept = "1 run is" if len(runs) == 1 else f"{len(runs)} runs are"
        raise UsageError(f"{kept} kept of {address}, so there is no run {number}", "1 is the newest")
    run = runs[number - 1]
    text = logs.text(address, run)
    return StageLogResult(
        address, tuple(runs), number, text, str(logs.path(address, run)) if text is not None else None
    )
