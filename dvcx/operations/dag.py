"""`dvcx dag`: stages, pointers and outputs with what depends on what, and on request how each of them is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dvcx.base.errors import UsageError
from dvcx.manifest.manifest import workspace_manifest
from dvcx.model.pipeline import Pipeline
from dvcx.model.pointer import SUFFIX, data_path
from dvcx.model.stage import DepKind
from dvcx.operations.repro_options import Action, Selection
from dvcx.operations.repro_targets import addresses_of
from dvcx.operations.stage_list import BrokenStage, broken_stages
from dvcx.operations.stage_status import decisions_on
from dvcx.operations.stage_view import load_workspace_pipeline, open_stages
from dvcx.pipeline.order import producers
from dvcx.pipeline.outputs import outputs_of
from dvcx.pipeline.staleness import Reason, reason_text
from dvcx.repo.record import Repo, open_state

Edge = tuple[str, str]


class NodeKind(StrEnum):
    """What a node of the graph is."""

    STAGE = "stage"
    GROUP = "group"
    POINTER = "pointer"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class DagNode:
    """One node. `state` is `fresh`, `stale` or `behind` (a stage before it is stale), None when nobody asked."""

    name: str
    kind: NodeKind
    state: str | None = None
    reasons: tuple[str, ...] = ()
    desc: str | None = None


@dataclass(frozen=True, slots=True)
class Dag:
    """The graph: nodes in the order of files, edges from what makes to what needs it; and what cannot be used."""

    nodes: tuple[DagNode, ...]
    edges: tuple[Edge, ...]
    broken: tuple[BrokenStage, ...] = ()


@dataclass(frozen=True, slots=True)
class DagOptions:
    """What to show: outputs instead of stages, all that is connected, groups as one node, the state of each."""

    outs: bool = False
    full: bool = False
    fold: bool = False
    status: bool = False


def dag(repo: Repo, folder: str, targets: Sequence[str], options: DagOptions, environment: Mapping[str, str]) -> Dag:
    """Gives the graph of the workspace, or of what `targets`, typed in the project folder `folder`, need.

    Files and stages that cannot be used are left out and named. Raises `UsageError` for targets that are nothing, and
    `DamagedData` for a target that cannot be used, or when nothing can be.
    """
    # Loaded here: networkx takes 150 ms, which `status` and `repro` do not pay.
    from dvcx.pipeline.graph import around, folded

    pipeline, needs, states = _read(repo, environment, status=options.status)
    if not pipeline.stages:
        pipeline.raise_broken()
    pointers = dict.fromkeys(need for before in needs.values() for need in before if need not in needs)
    nodes: list[str] = [*pointers, *needs]
    edges: list[Edge] = [(maker, user) for user, before in needs.items() for maker in before]
    chosen = [address for target in targets for address in _meant(pipeline, pointers, target, folder)]
    if options.outs:
        nodes, edges, made_by = _outs_graph(pipeline, needs)
        chosen = [node for node, maker in made_by.items() if maker in set(chosen)]
        if targets and not chosen:
            raise UsageError(f"{', '.join(targets)} makes no output that could be shown")
        states = {node: states[maker] for node, maker in made_by.items() if maker in states}
    if chosen:
        kept = around(nodes, edges, chosen, full=options.full)
        nodes = [node for node in nodes if node in kept]
        edges = [edge for edge in edges if edge[0] in kept and edge[1] in kept]
    kinds = {node: _kind(node, pipeline, outs=options.outs) for node in nodes}
    if options.fold and not options.outs:
        group = {address: stage.group for address, stage in pipeline.stages.items() if stage.group is not None}
        states.update(_folded_states(states, group))
        nodes, edges = folded(nodes, edges, group)
        kinds.update((node, NodeKind.GROUP) for node in nodes if node not in kinds)
    return Dag(
        tuple(_node(node, kinds[node], pipeline, states) for node in nodes), tuple(edges), broken_stages(pipeline)
    )


State = tuple[str, tuple[str, ...]]


def _read(
    repo: Repo, environment: Mapping[str, str], *, status: bool
) -> tuple[Pipeline, Mapping[str, tuple[str, ...]], dict[str, State]]:
    if status:
        view = open_stages(repo, environment, open_state(repo))
        states = {decision.stage.address: _state(decision.action, decision.reasons) for decision in decisions_on(view)}
        view.close()
        return view.pipeline, view.needs, states
    pipeline = load_workspace_pipeline(repo)
    manifest = workspace_manifest(repo.root, repo.git)
    pointers = [path for path, pointer in manifest.pointers.items() if pointer.stage is None]
    return pipeline, producers(pipeline, pointers), {}


def _state(action: Action, reasons: Sequence[Reason]) -> State:
    word = {Action.SKIP: "fresh", Action.CHECK: "behind"}.get(action, "stale")
    return word, tuple(map(reason_text, reasons))


def _meant(pipeline: Pipeline, pointers: Mapping[str, None], target: str, folder: str) -> list[str]:
    path = f"{folder}/{target}" if folder else target
    for name in (path, target):
        pointer = name if name.endswith(SUFFIX) else name.removesuffix("/") + SUFFIX
        if pointer in pointers:
            return [pointer]
    return addresses_of(pipeline, target, Selection(folder=folder))


def _outs_graph(
    pipeline: Pipeline, needs: Mapping[str, tuple[str, ...]]
) -> tuple[list[str], list[Edge], dict[str, str]]:
    """Gives the graph of outputs: an edge wherever one is a dependency of the stage that makes the other."""
    pointers = [data_path(need) for before in needs.values() for need in before if need not in needs]
    outputs = outputs_of(pipeline, dict.fromkeys(pointers))
    nodes: dict[str, None] = dict.fromkeys(pointers)
    made_by = {path: path + SUFFIX for path in nodes}
    edges: dict[Edge, None] = {}
    for stage in pipeline.stages.values():
        made_by.update((out.path, stage.address) for out in stage.outs)
        nodes.update(dict.fromkeys(out.path for out in stage.outs))
        inputs = [(dep.path, dep.is_pattern) for dep in stage.deps if dep.kind is DepKind.FILE]
        inputs += [(file.path, False) for file in stage.params]
        sources = {made.path for path, pattern in inputs for made in outputs.makers(path, is_pattern=pattern)}
        edges.update(dict.fromkeys((source, out.path) for source in sorted(sources) for out in stage.outs))
    return list(nodes), list(edges), made_by


def _kind(node: str, pipeline: Pipeline, *, outs: bool) -> NodeKind:
    if outs:
        return NodeKind.OUTPUT
    return NodeKind.STAGE if node in pipeline.stages else NodeKind.POINTER


def _folded_states(states: Mapping[str, State], group: Mapping[str, str]) -> dict[str, State]:
    """Gives the state of each group: that of its worst stage."""
    found: dict[str, State] = {}
    for address, (state, reasons) in states.items():
        name = group.get(address)
        if name is not None and _WORSE.index(state) >= _WORSE.index(found.get(name, ("fresh", ()))[0]):
            found[name] = (state, reasons)
    return found


_WORSE = ("fresh", "behind", "stale")


def _node(name: str, kind: NodeKind, pipeline: Pipeline, states: Mapping[str, State]) -> DagNode:
    state, reasons = states.get(name, (None, ()))
    stage = pipeline.stages.get(name)
    return DagNode(name, kind, state, reasons, stage.desc if stage is not None else None)
