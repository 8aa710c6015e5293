"""Which stage needs which, and the order to run them in: without networkx, for what runs often."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush
from itertools import pairwise

from dvcx.base.errors import DamagedData, DvcxError
from dvcx.model.pipeline import Pipeline
from dvcx.model.stage import DepKind, Stage
from dvcx.pipeline.outputs import Made, Outputs, outputs_of


def producers(pipeline: Pipeline, pointers: Iterable[str] = ()) -> Mapping[str, tuple[str, ...]]:
    """Gives, by the address of each stage, what makes its dependencies: addresses of stages and paths of `pointers`.

    `pointers` are the project paths of tracked data, without what stages make; what is made by one appears as the path
    of its pointer file. A file inside an output folder is made by the folder's stage, and a folder by all that make
    something inside it. Raises `DvcxError` for cycles, and for outputs that two stages or pointers claim.
    """
    outputs = outputs_of(pipeline, pointers)
    for problem in output_problems(pipeline, outputs):
        raise problem
    needs = {address: _makers(stage, outputs) for address, stage in pipeline.stages.items()}
    try:
        TopologicalSorter(_stages_only(needs)).prepare()
    except CycleError as error:
        raise _cycle(pipeline, outputs, list(reversed(error.args[1]))) from None
    return needs


def run_order(needs: Mapping[str, tuple[str, ...]], targets: Iterable[str] | None = None) -> list[str]:
    """Gives the addresses of the stages that `targets` need, themselves included, each after all that it needs.

    `needs` is what `producers` gives; without `targets` every stage is meant. Pointers are left out. The order is that
    of the files where needs leave it free.
    """
    wanted = set(needs) if targets is None else upstream(needs, targets)
    place = {address: number for number, address in enumerate(needs)}
    names = list(needs)
    sorter = TopologicalSorter({a: [n for n in needs[a] if n in needs] for a in needs if a in wanted})
    sorter.prepare()
    ready = [place[address] for address in sorter.get_ready()]
    heapify(ready)
    order: list[str] = []
    while ready:
        address = names[heappop(ready)]
        order.append(address)
        sorter.done(address)
        for each in sorter.get_ready():
            heappush(ready, place[each])
    return order


def upstream(needs: Mapping[str, tuple[str, ...]], targets: Iterable[str]) -> set[str]:
    """Gives the addresses of the stages that `targets` need, directly or not, with themselves."""
    return {address for address in _reached(targets, needs) if address in needs}


def downstream(needs: Mapping[str, tuple[str, ...]], targets: Iterable[str]) -> set[str]:
    """Gives the addresses of the stages that need `targets` (stages or pointer files), with the stages of `targets`."""
    users: dict[str, list[str]] = {}
    for address, makers in needs.items():
        for maker in makers:
            users.setdefault(maker, []).append(address)
    return {address for address in _reached(targets, users) if address in needs}


def _reached(start: Iterable[str], steps: Mapping[str, Sequence[str]]) -> set[str]:
    waiting = list(start)
    found = set(waiting)
    while waiting:
        for step in steps.get(waiting.pop(), ()):
            if step not in found:
                found.add(step)
                waiting.append(step)
    return found


def output_problems(pipeline: Pipeline, outputs: Outputs) -> Iterator[DvcxError]:
    """Gives an error for each output that something else makes too, or that lies inside another, with both places."""
    for path, claims in outputs.paths.items():
        if len(claims) > 1:
            yield _claimed(f"{path} is made twice", claims[0], claims[1])
        above = path.rpartition("/")[0]
        while above:
            if above in outputs.paths:
                yield _claimed(f"{path} lies inside {above}, which is made too", claims[0], outputs.paths[above][0])
            above = above.rpartition("/")[0]
    told: set[int] = set()
    for base in outputs.bases:
        for made in outputs.patterns[base]:
            told.add(id(made))
            for other in outputs.makers(made.path, is_pattern=True):
                if not other.is_pattern:
                    yield _claimed(f"{made.path} can mean {other.path}, which is made too", made, other)
                elif id(other) not in told:
                    yield _claimed(f"{made.path} and {other.path} can mean the same files", made, other)
    for file in pipeline.files:
        folder = file.rpartition("/")[0]
        while folder:
            if folder in outputs.paths:
                made = outputs.paths[folder][0]
                yield DamagedData(
                    f"{file} lies inside {folder}, which {made} makes",
                    "a pipeline file cannot be part of an output: move one of the two",
                )
            folder = folder.rpartition("/")[0]


def _claimed(problem: str, one: Made, other: Made) -> DamagedData:
    return DamagedData(
        f"{problem}: by {one} and by {other}", "everything is made in one place: take it out of one of the two"
    )


def _makers(stage: Stage, outputs: Outputs) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for dep in stage.deps:
        if dep.kind is DepKind.FILE:
            for made in outputs.makers(dep.path, is_pattern=dep.is_pattern):
                found[made.by] = None
    for file in stage.params:
        for made in outputs.makers(file.path):
            found[made.by] = None
    return tuple(found)


def _stages_only(needs: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {address: [maker for maker in makers if maker in needs] for address, makers in needs.items()}


def _cycle(pipeline: Pipeline, outputs: Outputs, cycle: list[str]) -> DamagedData:
    """Gives the error for stages that need each other, with the dependency by which each needs the next."""
    steps = []
    for address, maker in pairwise(cycle):
        steps.append(f"{address} needs {_link(pipeline.stages[address], maker, outputs)}")
    if len(cycle) == 2:
        return DamagedData(f"a stage needs what it makes itself: {steps[0]}", "take it out of its deps or its outs")
    return DamagedData(
        f"stages need each other in a circle: {'; '.join(steps[:8])}{'; ...' if len(steps) > 8 else ''}",
        "take one of these dependencies away, or make two stages of one",
    )


def _link(stage: Stage, maker: str, outputs: Outputs) -> str:
    for dep in stage.deps:
        if dep.kind is DepKind.FILE:
            for made in outputs.makers(dep.path, is_pattern=dep.is_pattern):
                if made.by == maker:
                    return f"{dep.text} ({dep.place}) of {made}"
    for file in stage.params:
        for made in outputs.makers(file.path):
            if made.by == maker:
                return f"{file.text} ({file.place}) of {made}"
    return maker
