"""Every command, killed or failed at any call that changes the file system, loses nothing and can be run again."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from zlib import crc32

import pytest

from tests.faults.scenarios import SCENARIOS, Outcome, Place, Scenario, outcome
from tests.faults.tracing import FAULTS, KILLED, Point, changing_calls, needs_strace, strike
from tests.faults.truth import temporary_files
from tests.project import Project, Run

SAMPLE = 2
"""Points a command in the quick suite, spread over all there are."""

_READY = [scenario for scenario in SCENARIOS if scenario.exists]


@pytest.mark.parametrize("scenario", _READY, ids=str)
def test_interrupted_at_some_points_a_command_loses_nothing_and_can_be_run_again(
    scenario: Scenario, tmp_path: Path
) -> None:
    sweep(scenario, tmp_path, SAMPLE)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", _READY, ids=str)
def test_interrupted_anywhere_a_command_loses_nothing_and_can_be_run_again(scenario: Scenario, tmp_path: Path) -> None:
    sweep(scenario, tmp_path, None)


def test_what_a_killed_init_left_is_gone_after_the_next_one(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    project.dvcx("init").ok()
    left = project.path / ".dvcx/tmp/.work-1-0123456789ab"
    left.mkdir(parents=True)
    (left / ".tmp-1-0123456789ab").write_text("half of a configuration")
    project.dvcx("init").ok()
    assert not (project.path / ".dvcx/tmp").exists()


def sweep(scenario: Scenario, folder: Path, sample: int | None) -> None:
    """Strikes at `sample` points of the scenario's command (None: at all) and checks after each."""
    needs_strace()
    template, place = folder / "template", Place(folder / "place")
    scenario.arrange(place)
    place.folder.rename(template)
    _put_back(template, place)
    had, before = place.everything(), outcome(place)
    words = scenario.words
    calls = changing_calls(words, scenario.target(place).path)
    done = outcome(place)
    points = [Point(fault, call, number) for call, number in calls for fault in FAULTS]
    if sample is not None:
        # Each scenario begins with another fault and at another place, so that together they try all.
        shift = crc32(str(scenario).encode())
        chosen = [calls[int((number + shift % 10 / 10) * len(calls) / sample)] for number in range(sample)]
        points = [Point(FAULTS[(shift + number) % len(FAULTS)], *call) for number, call in enumerate(chosen)]
    problems: list[str] = []
    for point in points:
        _put_back(template, place)
        try:
            _check_one(scenario, point, place, had, before, done)
        except AssertionError as problem:
            problems.append(f"{scenario}: {point}: {problem}")
    assert not problems, f"{len(problems)} of {len(points)} points:\n" + "\n\n".join(problems)


def _check_one(scenario: Scenario, point: Point, place: Place, had: set[bytes], before: Outcome, done: Outcome) -> None:
    run = strike(point, scenario.words, scenario.target(place).path)
    _check_message(run)
    _check_nothing_lost(had, place, f"after {_said(run)}")
    if run.code == 0 or not scenario.reversible:
        again = scenario.run_again(place) if run.code != 0 else run
    else:
        again = scenario.run_again(place)
        if outcome(place) == before:  # it had been done when it was struck, and this took it back
            again = scenario.run_again(place)
    assert again.code in scenario.again, f"after {_said(run)}, again: {_said(again)}"
    _check_nothing_lost(had, place, f"after {_said(run)}, again {_said(again)}")
    _check_same(outcome(place), done, f"after {_said(run)}, again {_said(again)}")
    left = temporary_files(project.path for project in place.projects())
    assert not [path for path in left if ".git" not in path.parts], f"temporary files are left: {left}"


def _check_message(run: Run) -> None:
    if run.code in (KILLED, 0):
        return
    assert run.code in (1, 4, 5), f"an unfit exit code: {_said(run)}"
    assert re.search(r"^error: ", run.err, re.MULTILINE), f"no clear error: {_said(run)}"
    assert "Traceback" not in run.err, f"a traceback: {_said(run)}"


def _check_nothing_lost(had: set[bytes], place: Place, when: str) -> None:
    lost = had - place.everything()
    assert not lost, f"{len(lost)} contents are lost {when}: {[content[:40] for content in lost]}"


def _check_same(now: Outcome, done: Outcome, when: str) -> None:
    for name in Outcome.__dataclass_fields__:
        got, wanted = getattr(now, name), getattr(done, name)
        if got != wanted:
            raise AssertionError(f"{name} is not what it should be {when}:\n{_difference(got, wanted)}")


def _difference(got: object, wanted: object) -> str:
    if isinstance(got, tuple) and isinstance(wanted, tuple) and len(got) == len(wanted):
        return "\n".join(_difference(*pair) for pair in zip(got, wanted, strict=True) if pair[0] != pair[1])
    if isinstance(got, dict) and isinstance(wanted, dict):
        keys = sorted(key for key in got.keys() | wanted.keys() if got.get(key) != wanted.get(key))
        return "; ".join(f"{key}: {_short(got.get(key))} instead of {_short(wanted.get(key))}" for key in keys)
    if isinstance(got, frozenset) and isinstance(wanted, frozenset):
        return f"{len(got - wanted)} too many, {len(wanted - got)} too few"
    return f"{_short(got)} instead of {_short(wanted)}"


def _short(value: object) -> str:
    return repr(value)[:300]


def _said(run: Run) -> str:
    return f"exit code {run.code}, {run.err.strip()[-500:]!r}"


def _put_back(template: Path, place: Place) -> None:
    if place.folder.exists():
        shutil.rmtree(place.folder)
    shutil.copytree(template, place.folder, symlinks=True)
