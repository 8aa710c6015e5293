"""The graph as a picture needs it: parts of it, and the layers that it is drawn in. The one door to networkx."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

Edge = tuple[str, str]
"""Who makes, and who needs it: the direction in which data flows."""

_SWEEPS = 4
_MOST_FOR_SWEEPS = 20_000


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture of one connected part, from the top down: names in layers, and edges that cross one gap at a time.

    A name that begins with a NUL stands for an edge that passes a layer. `edges` are pairs of names of neighbouring
    layers.
    """

    layers: tuple[tuple[str, ...], ...]
    edges: tuple[Edge, ...]


def around(nodes: Iterable[str], edges: Iterable[Edge], targets: Sequence[str], *, full: bool) -> set[str]:
    """Gives the nodes that `targets` need, themselves included; with `full` all that are connected with them."""
    graph = _graph(nodes, edges)
    found = set(targets)
    for target in targets:
        found |= nx.ancestors(graph, target)
    if full:
        whole = graph.to_undirected(as_view=True)
        for target in targets:
            found |= nx.node_connected_component(whole, target)
    return found


def folded(nodes: Sequence[str], edges: Iterable[Edge], group: Mapping[str, str]) -> tuple[list[str], list[Edge]]:
    """Gives the graph with all nodes of one group as one node of the group's name."""
    names = dict.fromkeys(group.get(node, node) for node in nodes)
    pairs = dict.fromkeys((group.get(maker, maker), group.get(user, user)) for maker, user in edges)
    return list(names), [pair for pair in pairs if pair[0] != pair[1]]


def layouts(nodes: Iterable[str], edges: Iterable[Edge]) -> list[Layout]:
    """Gives a layout for each connected part, in the order of the first node of each.

    Layers are those of the longest way from the top; the order within them is by the average place of the neighbours
    (the barycenter method of Sugiyama, Tagawa and Toda, 1981), swept down and up.
    """
    graph = _graph(nodes, edges)
    place = {node: number for number, node in enumerate(graph)}
    parts = sorted(nx.weakly_connected_components(graph), key=lambda part: min(place[node] for node in part))
    return [_layout(nx.subgraph(graph, part), place) for part in parts]


def _graph(nodes: Iterable[str], edges: Iterable[Edge]) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    return graph


def _layout(part: nx.DiGraph[str], place: Mapping[str, int]) -> Layout:
    layers = [sorted(layer, key=place.__getitem__) for layer in nx.topological_generations(part)]
    level = {node: number for number, layer in enumerate(layers) for node in layer}
    edges: list[Edge] = []
    for maker, user in sorted(part.edges, key=lambda edge: (place[edge[0]], place[edge[1]])):
        above = maker
        for number in range(level[maker] + 1, level[user]):
            passing = f"\0{maker}\0{user}\0{number}"
            layers[number].append(passing)
            edges.append((above, passing))
            above = passing
        edges.append((above, user))
    if len(edges) <= _MOST_FOR_SWEEPS:
        _untangle(layers, edges)
    return Layout(tuple(map(tuple, layers)), tuple(edges))


def _untangle(layers: list[list[str]], edges: Sequence[Edge]) -> None:
    """Orders each layer by where the neighbours of its nodes are, so that fewer edges cross."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for maker, user in edges:
        above.setdefault(user, []).append(maker)
        below.setdefault(maker, []).append(user)
    for sweep in range(_SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        numbers = range(1, len(layers)) if sweep % 2 == 0 else range(len(layers) - 2, -1, -1)
        for number in numbers:
            beside = layers[number - 1 if sweep % 2 == 0 else number + 1]
            at = {node: place for place, node in enumerate(beside)}
            _sort_by_neighbours(layers[number], neighbours, at)


def _sort_by_neighbours(layer: list[str], neighbours: Mapping[str, list[str]], at: Mapping[str, int]) -> None:
    own = {node: place for place, node in enumerate(layer)}

    def centre(node: str) -> float:
        places = [at[each] for each in neighbours.get(node, ()) if each in at]
        return sum(places) / len(places) if places else own[node]

    layer.sort(key=centre)
