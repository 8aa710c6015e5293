"""Which stages a command means: by name, group, file, folder, output or pattern, with what is before or behind them."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from dvcx.base.errors import UsageError
from dvcx.model.pipeline import Pipeline
from dvcx.model.stage import PIPELINE_FILE, Stage
from dvcx.operations.repro_options import Selection
from dvcx.pipeline.order import run_order

Needs = Mapping[str, tuple[str, ...]]


def select_stages(pipeline: Pipeline, needs: Needs, targets: Sequence[str], selection: Selection) -> list[Stage]:
    """Gives the stages that `targets` mean, each after what it needs; without targets those of the folder's file.

    Raises `UsageError` for a target that means nothing, and the error of a stage that cannot be used.
    """
    chosen = _chosen(pipeline, targets, selection)
    within = live_needs(pipeline, needs)
    if selection.single:
        wanted = set(chosen)
    elif selection.downstream:
        wanted = set(_behind(chosen, within))
    elif selection.pipeline:
        wanted = set(_connected(chosen, needs))
    else:
        return [pipeline.stages[address] for address in run_order(within, chosen)]
    return [pipeline.stages[address] for address in run_order(within, wanted) if address in wanted]


def live_needs(pipeline: Pipeline, needs: Needs) -> Needs:
    """Gives what each stage needs; a frozen one needs nothing, since it does not run."""
    return {address: () if pipeline.stages[address].frozen else before for address, before in needs.items()}


def addresses_of(pipeline: Pipeline, target: str, selection: Selection) -> list[str]:
    """Gives the addresses of the stages that one target means. Raises `UsageError` when it means nothing."""
    found = list(dict.fromkeys(_meanings(pipeline, target, selection)))
    if found:
        return found
    file = _address_here(target, selection).rpartition(":")[0] or PIPELINE_FILE  # it may be what declares the stage
    names = (_here(target, selection), target, file)
    broken = next((pipeline.broken[name] for name in names if name in pipeline.broken), None)
    if broken is not None:
        raise broken
    close = difflib.get_close_matches(target, [*pipeline.stages, *pipeline.groups], 2)
    hint = f"did you mean {' or '.join(close)}?" if close else "`dvcx stage list --all` shows the stages"
    raise UsageError(f"there is no stage, and no output of one, called {target}", hint)


def addresses_at(pipeline: Pipeline, target: str, selection: Selection) -> list[str]:
    """Gives what `addresses_of` does, where a folder means the stages of its file, too; raises as that does."""
    file = _here(posixpath.join(target, PIPELINE_FILE), selection)
    if (file in pipeline.files or file in pipeline.broken) and not any(_meanings(pipeline, target, selection)):
        return addresses_of(pipeline, posixpath.join(target, PIPELINE_FILE), selection)
    return addresses_of(pipeline, target, selection)


def _chosen(pipeline: Pipeline, targets: Sequence[str], selection: Selection) -> list[str]:
    chosen = dict.fromkeys(address for target in targets for address in addresses_at(pipeline, target, selection))
    if targets and not selection.all_pipelines:
        return list(chosen)
    files = () if selection.all_pipelines else files_here(pipeline, selection)
    found = [address for address, stage in pipeline.stages.items() if stage.file in files]
    for error in (pipeline.broken_in(files) if files else pipeline.broken).values():
        raise error
    return found or list(pipeline.stages)


def files_here(pipeline: Pipeline, selection: Selection) -> list[str]:
    """Gives the pipeline file of the folder, when `recursive` those below, too; files that cannot be used count."""
    own = posixpath.join(selection.folder, PIPELINE_FILE)
    below = f"{selection.folder}/" if selection.folder else ""
    files = dict.fromkeys((*pipeline.files, *(name for name in pipeline.broken if name.endswith(PIPELINE_FILE))))
    return [file for file in files if file == own or (selection.recursive and file.startswith(below))]


def _meanings(pipeline: Pipeline, target: str, selection: Selection) -> Iterator[str]:
    here = _here(target, selection)
    if selection.glob:
        yield from (
            address for address in pipeline.stages if fnmatchcase(address, target) or fnmatchcase(address, here)
        )
        return
    for name in (_address_here(target, selection), target, here):
        if name in pipeline.stages:
            yield name
            return
        if name in pipeline.groups:
            yield from pipeline.groups[name]
            return
    path = here.removesuffix("/") if here != "." else ""
    if path in pipeline.files:
        if path in pipeline.broken:
            raise pipeline.broken[path]
        yield from (address for address, stage in pipeline.stages.items() if stage.file == path)
    elif selection.recursive:
        prefix = f"{path}/" if path else ""
        yield from (address for address, stage in pipeline.stages.items() if stage.file.startswith(prefix))
    else:
        yield from (address for address, stage in pipeline.stages.items() if any(o.path == path for o in stage.outs))


def _here(target: str, selection: Selection) -> str:
    return posixpath.normpath(posixpath.join(selection.folder, target))


def _address_here(target: str, selection: Selection) -> str:
    """Gives the address that a stage's name means in a folder with a `dvcx.yaml` of its own."""
    if ":" in target:
        return _here(target, selection)
    return f"{selection.folder}/{PIPELINE_FILE}:{target}" if selection.folder else target


def _behind(chosen: Collection[str], needs: Needs) -> Iterator[str]:
    """Gives the stages and all that depend on them, directly or not."""
    users: dict[str, list[str]] = {}
    for address, before in needs.items():
        for need in before:
            users.setdefault(need, []).append(address)
    seen: set[str] = set()
    waiting = list(chosen)
    while waiting:
        address = waiting.pop()
        if address not in seen:
            seen.add(address)
            waiting.extend(users.get(address, ()))
            yield address


def _connected(chosen: Collection[str], needs: Needs) -> Iterator[str]:
    """Gives the whole pipelines of the stages: whatever is connected with them, in either direction."""
    beside: dict[str, set[str]] = {}
    for address, before in needs.items():
        for need in before:
            beside.setdefault(need, set()).add(address)
            beside.setdefault(address, set()).add(need)
    seen: set[str] = set()
    waiting = list(chosen)
    while waiting:
        address = waiting.pop()
        if address not in seen:
            seen.add(address)
            waiting.extend(beside.get(address, ()))
            if address in needs:
                yield address
