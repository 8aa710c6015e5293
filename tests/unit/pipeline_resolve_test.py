"""From `dvcx.yaml` to stages: what DVC has not, what is refused and how that is told, and that it stays quick.

What DVC has too is compared with DVC itself, in tests/referee.
"""

from __future__ import annotations

import time

import pytest

from dvcx.formats.excerpt import FileProblem
from dvcx.model.pipeline import Pipeline
from dvcx.model.stage import Dep, DepKind, ParamFile, Stage
from dvcx.pipeline.flags import FlagStyle
from dvcx.pipeline.load import load_pipeline
from dvcx.pipeline.source import TextSource


def load(text: str, **files: str) -> Pipeline:
    """Resolves `dvcx.yaml` with other files beside it; `a__b_yaml` is called `a/b.yaml`."""
    named = {name.replace("__", "/").replace("_", "."): content for name, content in files.items()}
    return load_pipeline(TextSource({name: t.encode() for name, t in {"dvcx.yaml": text, **named}.items()}))


def stages(text: str, **files: str) -> dict[str, Stage]:
    pipeline = load(text, **files)
    pipeline.raise_broken()
    return dict(pipeline.stages)


def problem(text: str, **files: str) -> FileProblem:
    broken = list(load(text, **files).broken.values())
    assert len(broken) == 1, broken
    assert isinstance(broken[0], FileProblem), broken[0]
    return broken[0]


def stage(fields: str) -> str:
    """Gives a file with one stage `s` that has a command and `fields`."""
    return "stages:\n  s:\n    cmd: run\n    " + fields.replace("\n", "\n    ") + "\n"


# --- beyond DVC -------------------------------------------------------------------------------------------------------


def test_a_list_in_deps_and_outs_brings_all_its_entries() -> None:
    text = """\
vars: [{inputs: [a, b], more: [m]}]
stages:
  s:
    cmd: run
    deps: [first, "${inputs}", last]
    outs: ["${more}"]
  t:
    cmd: run
    deps: ${inputs}
"""
    found = stages(text)
    assert [dep.path for dep in found["s"].deps] == ["first", "a", "b", "last"]
    assert [out.path for out in found["s"].outs] == ["m"]
    assert [dep.path for dep in found["t"].deps] == ["a", "b"]


def test_stars_make_patterns_and_brackets_alone_do_not() -> None:
    found = stages(stage("deps: ['data/*.csv', 'data/**', 'a?', 'b[1].txt']\nouts: ['models/*.pt']"))["s"]
    assert [dep.is_pattern for dep in found.deps] == [True, True, True, False]
    assert [out.is_pattern for out in found.outs] == [True]


def test_a_name_with_a_star_can_be_meant_literally() -> None:
    found = stages(stage("deps: [{'a*b': {glob: false}}]\nouts: [{'c*': {glob: false}}]"))["s"]
    assert (found.deps[0].path, found.deps[0].is_pattern) == ("a*b", False)
    assert (found.outs[0].path, found.outs[0].is_pattern) == ("c*", False)


def test_dependencies_that_are_no_files() -> None:
    text = stage(
        "wdir: sub\ndeps: [env:HOME, pkg:scikit-learn, 'image:python:3.12', s3://b/k, /abs/x, ../../up, ../in]"
    )
    assert stages(text)["s"].deps == (
        Dep("env:HOME", "HOME", DepKind.ENV),
        Dep("pkg:scikit-learn", "scikit-learn", DepKind.PACKAGE),
        Dep("image:python:3.12", "python:3.12", DepKind.IMAGE),
        Dep("s3://b/k", "s3://b/k", DepKind.URL),
        Dep("/abs/x", "/abs/x", DepKind.OUTSIDE),
        Dep("../../up", "../up", DepKind.OUTSIDE),
        Dep("../in", "in", DepKind.FILE),
    )


def test_a_file_called_like_a_pin_is_written_with_a_dot() -> None:
    assert stages(stage("deps: ['./env:HOME']"))["s"].deps[0].kind is DepKind.FILE
    assert "./env:not a name" in problem(stage("deps: ['env:not a name']")).message


def test_what_a_stage_takes_and_how_long_it_may() -> None:
    fields = "resources: {cpu: 2, memory: 1.5GiB, gpu: 1, licence: 3}\ntimeout: 1h30m\nretries: 2\nmutex: [gpu, db]"
    found = stages(stage(fields))["s"]
    assert found.resources == {"cpu": 2, "memory": 1.5 * 1024**3, "gpu": 1, "licence": 3}
    assert (found.timeout, found.retries, found.mutex) == (5400, 2, ("gpu", "db"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("timeout: soon", "'soon' is not a length of time"),
        ("timeout: 0", "0 is not a length of time"),
        ("timeout: true", "'timeout' is a boolean"),
        ("retries: -1", "-1 is not a number of retries"),
        ("retries: 1.5", "'retries' is a number; a whole number"),
        ("resources: {memory: lots}", "'lots' is not a size"),
        ("resources: {cpu: many}", "'many' is not a number"),
        ("resources: {cpu: .inf}", "inf is not an amount"),
        ("resources: 3", "'resources' is a number"),
    ],
)
def test_amounts_that_are_none_are_told(fields: str, told: str) -> None:
    assert told in problem(stage(fields)).message


def test_flags_may_be_templates() -> None:
    text = stage("frozen: ${on}\nouts: [{o: {cache: '${off}'}}]")
    found = stages(text, params_yaml="on: true\noff: false\n")["s"]
    assert (found.frozen, found.outs[0].cache) == (True, False)
    assert "true or false was expected" in problem(text, params_yaml="on: maybe\noff: false\n").message


def test_parameters_used_by_templates_are_noted() -> None:
    text = """\
vars: [other.json, {own: 1}]
stages:
  s:
    foreach: ${models}
    do:
      cmd: run ${item.lr} ${own} ${deep.x[1]}
"""
    found = stages(text, params_yaml="models: {a: {lr: 1}, b: {lr: 2}}", other_json='{"deep": {"x": [1, 2]}}')
    assert found["s@b"].interpolated == (
        ParamFile("params.yaml", "params.yaml", ("models.b.lr",)),
        ParamFile("other.json", "other.json", ("deep.x.1",)),
    )


def test_flags_as_the_settings_say() -> None:
    source = TextSource({"dvcx.yaml": b"vars: [{o: {a: false, l: [1, 2]}}]\nstages: {s: {cmd: 'run ${o}'}}"})
    assert load_pipeline(source).stages["s"].cmd == ("run --l 1 2",)
    other = load_pipeline(source, FlagStyle("boolean_optional", "append"))
    assert other.stages["s"].cmd == ("run --no-a --l 1 --l 2",)


def test_a_stage_is_addressed_by_its_file_unless_that_is_at_the_root() -> None:
    found = stages("stages: {a: {cmd: x}}", sub__dvcx_yaml="stages: {a: {cmd: y, deps: [../b, c]}}")
    assert list(found) == ["a", "sub/dvcx.yaml:a"]
    assert [dep.path for dep in found["sub/dvcx.yaml:a"].deps] == ["b", "sub/c"]
    assert found["sub/dvcx.yaml:a"].lock_file == "sub/dvcx.lock"


def test_groups_know_their_stages() -> None:
    pipeline = load(
        "stages: {a: {foreach: [1, 2], do: {cmd: x}}, m: {matrix: {k: [x, y]}, cmd: y}, e: {foreach: [], do: {cmd: x}}}"
    )
    assert pipeline.groups == {"a": ("a@1", "a@2"), "m": ("m@x", "m@y"), "e": ()}
    assert pipeline.stages["m@y"].group == "m"


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column", "told", "hint"),
    [
        ("stage: {}", 1, 1, "a pipeline file has no field 'stage'", "did you mean 'stages'?"),
        ("stages: [x]", 1, 9, "'stages' is a list; a mapping of names", None),
        ("stages:\n  s: run", 2, 6, "the stage 's' is a text", None),
        ("stages:\n  s: {}", 2, 3, "has no `cmd`", "cmd: python"),
        ("stages:\n  s: {cmd: }", 2, 12, "'cmd' is empty", None),
        ("stages:\n  s: {cmd: ''}", 2, 12, "an empty `cmd`", None),
        ("stages:\n  s: {cmd: [a, 3]}", 2, 16, "this is a number; a command was expected", '"3"'),
        (stage("dep: [x]"), 4, 5, "no field 'dep'", "did you mean 'deps'?"),
        (stage("deps: x"), 4, 11, "'deps' is a text; a list", "[x]"),
        (stage("deps: [1]"), 4, 12, "this is a number; a path", '"1"'),
        (stage("deps:\n  - a: b"), 5, 12, "this is a text; a mapping of flags", "quotes"),
        (stage("deps: ['']"), 4, 12, "this is empty", None),
        (stage("outs: [{x: {cach: false}}]"), 4, 17, "an output has no field 'cach'", "'cache'"),
        (stage("outs: [{x: {cache: 3}}]"), 4, 24, "'cache' is a number; true or false", None),
        (stage("metrics: [{x: {x: 3}}]"), 4, 20, "a metric has no field 'x'", None),
        (stage("plots: [{x: {x: 3}}]"), 4, 21, "'x' is a number; a text", None),
        (stage("outs: [../x]"), 4, 12, "this leads out of it", None),
        (stage("outs: [/x]"), 4, 12, "this leads out of it", None),
        (stage("outs: [.]"), 4, 12, "whole project", None),
        (stage("outs: [.git/hooks/post-commit]"), 4, 12, "reserved", None),
        (stage("outs: [a/../.dvcx/config.toml]"), 4, 12, "reserved", None),
        (stage("outs: [s3://bucket/x]"), 4, 12, "an output lies in the project", None),
        (stage("outs: [data.dvcx]"), 4, 12, "dvcx itself reads", None),
        (stage("wdir: ../elsewhere"), 4, 11, "`wdir` leads out", None),
        (stage("params: [{p.yaml: x}]"), 4, 23, "a list of keys of p.yaml", "p.yaml:"),
        (stage("params: [{'env:X': [a]}]"), 4, 15, "is no file", None),
        (stage("do: {cmd: x}"), 3, 5, "foreach stage 's' has no field 'cmd'", None),
        ("stages:\n  s: {foreach: [1]}", 2, 7, "`foreach` but no `do`", None),
        ("stages:\n  s: {do: {cmd: x}}", 2, 7, "`do` but no `foreach`", None),
        ("stages:\n  s: {foreach: x, do: {cmd: x}}", 2, 16, "`foreach` is a text; a list", None),
        ("stages:\n  s: {foreach: [1], do: {foreach: [1], do: {cmd: x}}}", 2, 26, "has no place here", None),
        ("stages:\n  s: {matrix: [1], cmd: x}", 2, 15, "no dimensions", None),
        ("stages:\n  s: {matrix: {a: x}, cmd: x}", 2, 19, "'a' is a text; a list", None),
        ("stages:\n  a@b: {cmd: x}", 2, 3, "cannot have '@'", None),
        ("stages:\n  a/b: {cmd: x}", 2, 3, "cannot have '/'", None),
        ("stages:\n  s: {cmd: 'run ${nope}'}", 2, 17, "nothing is called nope", "params.yaml"),
        ("vars: [{lr: 1}]\nstages:\n  s: {cmd: 'run ${lt}'}", 3, 17, "nothing is called lt", "did you mean lr?"),
        ("vars: [{m: {lr: 1}}]\nstages:\n  s:\n    cmd: |\n      run\n      go ${m.lt}", 6, 10, "m has no lt", "lr?"),
        ("vars: [{m: [1]}]\nstages:\n  s: {cmd: 'run ${m[3]}'}", 3, 17, "m has 1 parts", None),
        ("vars: [{m: [1]}]\nstages:\n  s: {cmd: 'run ${m.x}'}", 3, 17, "its parts have numbers", None),
        ("vars: [{m: 1}]\nstages:\n  s: {cmd: 'run ${m.x}'}", 3, 17, "m is a number, which has no parts", None),
        ("stages:\n  s: {cmd: 'run ${}'}", 2, 17, "${} is not the name", None),
        ("stages:\n  s: {cmd: 'run ${a..b}'}", 2, 17, "is not the name", None),
        ("stages:\n  s: {cmd: 'run ${1 + f(x)[0}'}", 2, 17, "is not the name", None),
        ("vars: [{m: [1]}]\nstages:\n  s: {cmd: 'run ${m}'}", 3, 17, "is a list, which has no place", "cmd"),
        ("vars: [{m: {l: [[1]]}}]\nstages:\n  s: {cmd: 'run ${m}'}", 3, 17, "cannot become flags", None),
        ("vars: [{m: {a: 1}}]\nstages:\n  s: {cmd: x, outs: ['o${m}']}", 3, 24, "is a mapping", None),
        ("vars: ['${x}']", 1, 8, "`vars` cannot have ${}", None),
        ("vars: [3]", 1, 8, "this is a number; the path of a file", None),
        ("vars: [nope.yaml]", 1, 8, "nope.yaml does not exist", None),
        ("vars:\n  - {a: 1}\n  - {a: 2}", 3, 5, "a of `vars` in line 3 is defined already in `vars` in line 2", None),
        ("plots: [{x: {z: 1}}]", 1, 14, "a plot has no field 'z'", None),
        ("metrics: x", 1, 10, "'metrics' is a text; a list", None),
        ("artifacts: {m: {type: x}}", 1, 13, "has no `path`", None),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, line: int, column: int, told: str, hint: str | None) -> None:
    error = problem(text)
    assert (error.line, error.column) == (line, column), (error.message, error.excerpt)
    assert told in error.message
    assert error.message.startswith(f"dvcx.yaml:{line}:{column}: ")
    assert error.excerpt[0].strip().startswith(f"{line} |")
    if hint is not None:
        assert hint in str(error.hint)


def test_values_from_two_files_are_not_replaced() -> None:
    error = problem("vars: [b.yaml]\nstages: {s: {cmd: '${a}'}}", params_yaml="a: {x: 1}", b_yaml="a: {y: 2, x: 3}")
    assert "a.x of b.yaml is defined already in params.yaml" in error.message


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("p.yaml:zz", "p.yaml has no zz"),
        ("params.yaml:a", "cannot be taken in part"),
        ("p.yaml:b,b2", "does not exist|has no b2"),
    ],
)
def test_files_of_vars_are_taken_once(line: str, told: str) -> None:
    error = problem(f"vars: ['{line}']\nstages: {{s: {{cmd: x}}}}", params_yaml="a: 1", p_yaml="b: 1")
    assert any(each in error.message for each in told.split("|")), error.message


def test_item_cannot_be_redefined() -> None:
    text = "stages: {s: {foreach: [1], do: {cmd: x, vars: [{item: 2}]}}}"
    assert "item cannot be redefined" in problem(text).message


def test_one_broken_stage_leaves_the_others() -> None:
    pipeline = load("stages: {good: {cmd: x}, bad: {cmd: '${nope}'}, g: {foreach: [1, 2], do: {cmd: '${item.x}'}}}")
    assert list(pipeline.stages) == ["good"]
    assert set(pipeline.broken) == {"bad", "g@1", "g@2"}


def test_broken_parameters_break_only_files_that_use_them() -> None:
    pipeline = load(
        "stages: {a: {cmd: '${x}'}}", params_yaml="x: [", sub__dvcx_yaml="stages: {b: {cmd: y, params: [x]}}"
    )
    assert list(pipeline.stages) == ["sub/dvcx.yaml:b"]
    assert list(pipeline.broken) == ["dvcx.yaml"]
    assert pipeline.broken["dvcx.yaml"].message.startswith("params.yaml:")


def test_vars_read_no_file_outside_of_the_project() -> None:
    source = TextSource({"dvcx.yaml": b"vars: [../secret.yaml]\nstages: {s: {cmd: '${x}'}}", "../secret.yaml": b"x: 1"})
    assert "does not exist" in load_pipeline(source).broken["dvcx.yaml"].message


# --- bounded time and memory ------------------------------------------------------------------------------------------


def took(text: str, **files: str) -> tuple[float, Pipeline]:
    began = time.process_time()
    pipeline = load(text, **files)
    return time.process_time() - began, pipeline


@pytest.mark.slow
def test_a_hundred_thousand_items_take_seconds() -> None:
    seconds, pipeline = took(
        "stages: {s: {foreach: '${items}', do: {cmd: 'run ${item}', outs: ['o/${item}']}}}",
        params_yaml=f"items: [{', '.join(f'i{n}' for n in range(100_000))}]",
    )
    assert len(pipeline.stages) == 100_000
    assert seconds < 20


def test_a_matrix_of_billions_is_refused() -> None:
    sizes = f"[{', '.join(map(str, range(1000)))}]"
    seconds, pipeline = took(f"stages: {{s: {{matrix: {{a: {sizes}, b: {sizes}, c: {sizes}}}, cmd: x}}}}")
    assert "1,000,000,000 stages" in pipeline.broken["s"].message
    assert seconds < 2


def test_a_mistake_in_a_hundred_thousand_stages_is_told_a_hundred_times() -> None:
    items = ", ".join(map(str, range(100_000)))
    seconds, pipeline = took(f"stages: {{s: {{foreach: [{items}], do: {{cmd: '${{nope}}'}}}}}}")
    assert 0 < len(pipeline.broken) < 200
    assert seconds < 5


def test_a_text_of_many_holes_takes_time_for_its_length() -> None:
    seconds, pipeline = took("vars: [{x: 1}]\nstages: {s: {cmd: '" + "${x}" * 50_000 + "'}}")
    assert pipeline.stages["s"].cmd == ("1" * 50_000,)
    assert seconds < 2
    unclosed, _ = took("stages: {s: {cmd: '" + "${" * 20_000 + "'}}")
    assert unclosed < 2


def test_fifty_levels_of_parameters_resolve() -> None:
    deep = "{k: " * 49 + "1" + "}" * 49
    found = stages("stages: {s: {cmd: 'run ${top}'}}", params_yaml=f"top: {deep}")
    assert found["s"].cmd == (f"run --{'.'.join(['k'] * 49)} 1",)


def test_five_thousand_stages_resolve_in_well_under_a_second() -> None:
    lines = ["stages:"]
    for number in range(5000):
        lines.append(f"  s{number}: {{cmd: 'run {number}', deps: [in/{number}], params: [lr], outs: [out/{number}]}}")
    seconds, pipeline = took("\n".join(lines))
    assert len(pipeline.stages) == 5000
    assert seconds < 3, "a loose bound: machines that run tests are busy; benchmarks/ has the figure"
