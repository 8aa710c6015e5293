"""How much processor time it takes to read pipelines: `python benchmarks/resolve.py`.

Nothing is run and no data is looked at: `dvcx.yaml` is read, its templates are filled in, the graph is built, checked
and put in order. Each figure is the best of three, in seconds of processor time of this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from dvcx.model.pipeline import Pipeline
from dvcx.pipeline.load import load_pipeline
from dvcx.pipeline.order import producers, run_order
from dvcx.pipeline.source import TextSource

T = TypeVar("T")


def main() -> None:
    print("| what | stages | read and fill in | graph and checks | order | together |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for what, files in (
        ("written out, chains of ten", written_out(5_000)),
        ("a `foreach` with templates", foreach(5_000)),
        ("a `foreach` with templates", foreach(100_000)),
    ):
        measure(what, TextSource({name: text.encode() for name, text in files.items()}))


def measure(what: str, source: TextSource) -> None:
    loading, pipeline = best(lambda: load_pipeline(source))
    pipeline.raise_broken()
    graph, needs = best(lambda: producers(pipeline))
    order, ordered = best(lambda: run_order(needs))
    assert len(ordered) == len(pipeline.stages)
    figures = " | ".join(f"{seconds:.2f} s" for seconds in (loading, graph, order, loading + graph + order))
    print(f"| {what} | {count(pipeline):,} | {figures} |")


def count(pipeline: Pipeline) -> int:
    return len(pipeline.stages)


def best(work: Callable[[], T]) -> tuple[float, T]:
    times = []
    for _ in range(3):
        began = time.process_time()
        result = work()
        times.append(time.process_time() - began)
    return min(times), result


def written_out(number: int) -> dict[str, str]:
    lines = ["stages:"]
    for n in range(number):
        before = f"out/{n - 1}.csv" if n % 10 else "run.py"
        lines += [
            f"  s{n}:",
            f"    cmd: python run.py --in data/{n}.csv --out out/{n}.csv",
            "    deps:",
            f"      - data/{n}.csv",
            f"      - {before}",
            "    params:",
            "      - lr",
            "      - model.depth",
            "    outs:",
            f"      - out/{n}.csv",
        ]
    return {"dvcx.yaml": "\n".join(lines)}


def foreach(number: int) -> dict[str, str]:
    stage = 'cmd: "run ${item} --lr ${lr}", deps: ["in/${item}", run.py], params: [lr], outs: ["out/${item}"]'
    return {
        "dvcx.yaml": f"stages:\n  s:\n    foreach: ${{items}}\n    do: {{{stage}}}\n",
        "params.yaml": f"lr: 0.1\nitems: [{', '.join(f'i{n}' for n in range(number))}]\n",
    }


if __name__ == "__main__":
    main()
