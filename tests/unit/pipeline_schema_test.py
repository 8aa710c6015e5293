"""The schema of `dvcx.yaml`, field by field: what stands there is what the stages have.

tests/referee compares with DVC itself, which takes an installation of it; this needs nothing and is quick.
"""

from __future__ import annotations

import pytest

from dvcx.model.pipeline import Pipeline
from dvcx.model.stage import Dep, DepKind, Out, OutKind, ParamFile, Stage
from dvcx.pipeline.load import load_pipeline
from dvcx.pipeline.source import TextSource

PARAMS = b"lr: 0.1\nmodel: {depth: 3, name: big one}\nfast: true\nflags: [true, 0.5]\nempty: {}\nfiles: [a, b]\n"


def load(text: str, **files: str) -> Pipeline:
    """Resolves `dvcx.yaml` with PARAMS in `params.yaml`; `a__b_yaml` is the file `a/b.yaml`."""
    named = {name.replace("__", "/").replace("_", "."): each.encode() for name, each in files.items()}
    return load_pipeline(TextSource({"params.yaml": PARAMS, "dvcx.yaml": text.encode(), **named}))


def resolved(text: str, **files: str) -> dict[str, Stage]:
    pipeline = load(text, **files)
    pipeline.raise_broken()
    return dict(pipeline.stages)


def commands(text: str, **files: str) -> dict[str, list[str]]:
    return {address: list(stage.cmd) for address, stage in resolved(text, **files).items()}


EVERYTHING = """\
stages:
  all:
    desc: all that there is
    meta: {owner: me, tags: [1, 2]}
    cmd: [first, second --x]
    wdir: models
    deps: [train.py, ../clean, ../clean, "https://host/x", /data/shared.csv]
    params:
      - lr
      - model.depth
      - settings.toml: [seed, a.b]
      - whole.json:
    outs:
      - model.pt
      - log.txt: {cache: false, persist: true, push: false, remote: store, desc: d, type: t}
      - log.txt: {labels: [l, m], meta: {k: v}}
    metrics: [scores.json: {cache: false}]
    plots:
      - plain.csv
      - loss.csv: {x: step, y: loss, template: linear, title: T, x_label: X, y_label: Y, header: false}
      - twice.csv: [{x: a}, {y: b}]
    frozen: true
    always_changed: true
    resources: {cpu: 2, memory: 1.5GiB, licence: 1}
    timeout: 1h30m
    retries: 2
    mutex: [card, disk]
"""


def test_every_field_of_a_stage_is_taken() -> None:
    drawing = {"x": "step", "y": "loss", "template": "linear", "title": "T", "x_label": "X", "y_label": "Y"}
    assert resolved(EVERYTHING) == {
        "all": Stage(
            address="all",
            name="all",
            file="dvcx.yaml",
            desc="all that there is",
            meta={"owner": "me", "tags": [1, 2]},
            cmd=("first", "second --x"),
            wdir="models",
            deps=(
                Dep("train.py", "models/train.py"),
                Dep("../clean", "clean"),
                Dep("https://host/x", "https://host/x", DepKind.URL),
                Dep("/data/shared.csv", "/data/shared.csv", DepKind.OUTSIDE),
            ),
            params=(
                ParamFile("params.yaml", "models/params.yaml", ("lr", "model.depth")),
                ParamFile("settings.toml", "models/settings.toml", ("seed", "a.b")),
                ParamFile("whole.json", "models/whole.json", None),
            ),
            outs=(
                Out("model.pt", "models/model.pt"),
                Out(
                    "log.txt",
                    "models/log.txt",
                    cache=False,
                    persist=True,
                    push=False,
                    remote="store",
                    desc="d",
                    type="t",
                    labels=("l", "m"),
                    meta={"k": "v"},
                ),
                Out("scores.json", "models/scores.json", OutKind.METRIC, cache=False),
                Out("plain.csv", "models/plain.csv", OutKind.PLOT),
                Out("loss.csv", "models/loss.csv", OutKind.PLOT, plots=({**drawing, "header": False},)),
                Out("twice.csv", "models/twice.csv", OutKind.PLOT, plots=({"x": "a"}, {"y": "b"})),
            ),
            frozen=True,
            always_changed=True,
            resources={"cpu": 2.0, "memory": 1.5 * (1 << 30), "licence": 1.0},
            timeout=5400.0,
            retries=2,
            mutex=("card", "disk"),
        )
    }


def test_without_them_they_are_as_by_default() -> None:
    assert resolved("stages: {s: {cmd: run}}") == {"s": Stage("s", "s", "dvcx.yaml", ("run",))}


TOP = """\
params: [extra.yaml]
metrics: [scores.json]
plots:
  - loss.csv
  - confusion: {x: actual, y: {classes.csv: predicted}, template: confusion}
artifacts:
  best: {path: models/best.pt, type: model, desc: d, labels: [l], meta: {k: v}}
datasets: [{name: d, url: "dvc://x", type: dvc}]
"""


def test_what_stands_beside_the_stages_is_taken() -> None:
    pipeline = load(TOP)
    pipeline.raise_broken()
    assert [each.path for each in pipeline.params] == ["extra.yaml"]
    assert [each.path for each in pipeline.metrics] == ["scores.json"]
    assert [(each.id, dict(each.settings)) for each in pipeline.plots] == [
        ("loss.csv", {}),
        ("confusion", {"x": "actual", "y": {"classes.csv": "predicted"}, "template": "confusion"}),
    ]
    (best,) = pipeline.artifacts
    assert (best.name, best.path, best.type, best.desc, best.labels, best.meta) == (
        "best",
        "models/best.pt",
        "model",
        "d",
        ("l",),
        {"k": "v"},
    )
    assert pipeline.datasets == {"dvcx.yaml": [{"name": "d", "url": "dvc://x", "type": "dvc"}]}


@pytest.mark.parametrize(
    ("foreach", "expected"),
    [
        ("[north, 2, true]", {"s@north": ["run north"], "s@2": ["run 2"], "s@true": ["run true"]}),
        ("'${flags}'", {"s@True": ["run true"], "s@0.5": ["run 0.5"]}),
        ("{n: 1, s: 2}", {"s@n": ["run 1"], "s@s": ["run 2"]}),
    ],
)
def test_foreach_makes_a_stage_of_each(foreach: str, expected: dict[str, list[str]]) -> None:
    assert commands(f"stages: {{s: {{foreach: {foreach}, do: {{cmd: 'run ${{item}}'}}}}}}") == expected


def test_of_a_list_of_mappings_the_stages_are_numbered() -> None:
    found = commands("stages: {s: {foreach: [{a: 1}, {a: 2}], do: {cmd: 'run ${item.a}'}}}")
    assert found == {"s@0": ["run 1"], "s@1": ["run 2"]}


def test_a_mapping_gives_each_stage_its_key_and_values() -> None:
    found = commands("stages: {s: {foreach: {n: {v: 1}, m: {v: 2}}, do: {cmd: 'run ${key} ${item.v}'}}}")
    assert found == {"s@n": ["run n 1"], "s@m": ["run m 2"]}


def test_a_matrix_makes_every_combination() -> None:
    text = "stages: {s: {matrix: {model: [cnn, xgb], n: [1, {d: 2}]}, cmd: 'run ${item.model} ${key}'}}"
    assert commands(text) == {
        "s@cnn-1": ["run cnn cnn-1"],
        "s@cnn-n1": ["run cnn cnn-n1"],
        "s@xgb-1": ["run xgb xgb-1"],
        "s@xgb-n1": ["run xgb xgb-n1"],
    }
    assert load(text).groups == {"s": ("s@cnn-1", "s@cnn-n1", "s@xgb-1", "s@xgb-n1")}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("run ${lr} ${model.depth} ${flags[1]} ${flags[-1]}", "run 0.1 3 0.5 0.5"),
        (r"run \${lr} ${lr}", "run ${lr} 0.1"),
        ("run ${fast}", "run true"),
        ("run ${model}", "run --depth 3 --name 'big one'"),
        ("run ${own} ${deep.x}", "run 1 2"),
        ("run ${picked}", "run 7"),
    ],
)
def test_templates_are_filled(written: str, read: str) -> None:
    text = f"vars: [more.yaml:picked, {{own: 1, deep: {{x: 2}}}}]\nstages:\n  s:\n    cmd: {written}\n"
    assert commands(text, more_yaml="picked: 7\nfast: no value of this is taken\n") == {"s": [read]}


def test_a_list_among_commands_brings_its_entries() -> None:
    assert commands("stages: {s: {cmd: [first, '${files}', last]}}") == {"s": ["first", "a", "b", "last"]}


def test_mappings_of_several_places_are_merged_and_values_not_replaced() -> None:
    text = "vars: [{model: {size: 9}}]\nstages:\n  s: {cmd: 'run ${model.depth} ${model.size}'}\n"
    assert commands(text) == {"s": ["run 3 9"]}
    broken = load(text.replace("size: 9", "depth: 9")).broken
    assert "model.depth" in str(broken["dvcx.yaml"]) and "params.yaml" in str(broken["dvcx.yaml"])


def test_a_stage_may_have_vars_of_its_own() -> None:
    text = "stages:\n  s: {vars: [own.json, {x: 1}], cmd: 'run ${x} ${y}'}\n  t: {cmd: 'run ${x}'}\n"
    pipeline = load(text, own_json='{"y": 2}')
    assert pipeline.stages["s"].cmd == ("run 1 2",)
    assert list(pipeline.broken) == ["t"]


def test_files_in_folders_name_their_stages_and_paths_from_there() -> None:
    sub = "stages:\n  s: {cmd: 'run ${x}', deps: [in, ../top], outs: [out]}\n"
    found = resolved("stages: {s: {cmd: run}}", sub__dvcx_yaml=sub, sub__params_yaml="x: 5\n")
    assert list(found) == ["s", "sub/dvcx.yaml:s"]
    inner = found["sub/dvcx.yaml:s"]
    assert (inner.cmd, inner.wdir, inner.name, inner.file) == (("run 5",), "sub", "s", "sub/dvcx.yaml")
    assert [dep.path for dep in inner.deps] == ["sub/in", "top"]
    assert [out.path for out in inner.outs] == ["sub/out"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stages: {s: {cmd: ''}}", "has an empty `cmd`"),
        ("stages: {s: {cmd: [x, ' ']}}", "this command is empty"),
        ("stages: {s: {deps: [x]}}", "cmd"),
        ("stages: {s: {cmd: x, outs: [a: {cached: true}]}}", "'cached'"),
        ("stages: {s: {cmd: x, frozen: maybe}}", "true or false"),
        ("stages: {s: {foreach: [1]}}", "no `do`"),
        ("stages: {s: {cmd: x, retries: -1}}", "not a number of retries"),
        ("stages: {s: {cmd: x, resources: {gpu: many}}}", "not a number"),
    ],
)
def test_what_cannot_be_is_told(text: str, told: str) -> None:
    (problem,) = load(text).broken.values()
    assert told in str(problem)
