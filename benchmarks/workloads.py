"""Runs workloads: rounds of fresh repositories, in each the tools in turn, step by step."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import data
import steps
from ground import Ground
from measure import Command, Cost, StepError, run, usage
from quiet import Aside, settle, touch_free_memory
from results import FLOOR, Failure, Results, Sample
from tools import Tool

SMALL_FILES = 20_000
LARGE_BYTES = 2 * data.GIB
SCALE_FILES = (1_000, 10_000, 100_000)
START_REPEATS = 10

VERSION = "--version"
HELP = "--help"
TINY_STATUS = "status in a tiny repository"


@dataclass(frozen=True, slots=True)
class Course:
    """What to run: the tools, whether `cp -r` runs beside them, how often, in which folder, how much smaller."""

    tools: Sequence[Tool]
    floor: bool
    rounds: int
    work: Path
    scale_down: float
    results: Results
    aside: Aside

    def scaled(self, amount: int) -> int:
        """An amount of files or bytes, made smaller for a quick try."""
        return max(1, round(amount / self.scale_down))


def run_small(course: Course) -> None:
    """20,000 files of 4 to 12 KiB."""
    count = course.scaled(SMALL_FILES)
    source = course.work / "data" / f"small-{count}" / "data"
    data.make_files(source, count)
    _run_rounds(course, "small", source, steps.SMALL)


def run_large(course: Course) -> None:
    """One file of 2 GiB."""
    size = course.scaled(LARGE_BYTES)
    source = course.work / "data" / f"large-{size}" / "large.bin"
    data.make_large(source, size)
    _run_rounds(course, "large", source, steps.LARGE)


def run_scale(course: Course) -> None:
    """1,000, 10,000 and 100,000 files, to see how time and memory grow."""
    for count in scale_sizes(course.scale_down):
        source = course.work / "data" / f"small-{count}" / "data"
        data.make_files(source, count)
        _run_rounds(course, scale_name(count), source, steps.SCALE)


def run_start(course: Course) -> None:
    """What every command costs: the version, the help, the status of one small file."""
    source = course.work / "data" / "tiny" / "data.bin"
    data.make_large(source, data.KIB)
    grounds = _grounds(course, "start", source, 0)
    ready = []
    for ground in grounds:
        if _attempt(course, "start", "prepare", ground.tool.name, 0, partial(_track, ground)):
            ready.append(ground)
    asked = {VERSION: ["--version"], HELP: ["--help"], TINY_STATUS: ["status"]}
    say(f"start, {max(START_REPEATS, course.rounds)} times: {', '.join(asked)}")
    for repeat in range(max(START_REPEATS, course.rounds)):
        for name, words in asked.items():
            for ground in _in_turn(ready, repeat):
                action = partial(_time_start, course, ground, name, words, repeat)
                _attempt(course, "start", name, ground.tool.name, repeat, action)
    _clear(course, "start", 0)


def scale_sizes(scale_down: float) -> list[int]:
    """The numbers of files of the workload `scale`."""
    return [max(20, round(count / scale_down)) for count in SCALE_FILES]


def scale_name(count: int) -> str:
    """The workload's name for one of its sizes."""
    return f"scale {count}"


def _run_rounds(course: Course, workload: str, source: Path, plan: Sequence[steps.Step]) -> None:
    expected = data.digest(source)
    memory_bytes = 3 * (usage([source]).bytes or source.stat().st_size) + 512 * data.MIB
    for round_number in range(course.rounds):
        grounds = _grounds(course, workload, source, round_number)
        for ground in grounds:
            ground.expected, ground.memory_bytes = expected, memory_bytes
        _run_round(course, workload, round_number, grounds, plan)
        _clear(course, workload, round_number)


def _run_round(
    course: Course, workload: str, round_number: int, grounds: list[Ground], plan: Sequence[steps.Step]
) -> None:
    running = []
    for ground in _in_turn(grounds, round_number):
        if _attempt(course, workload, "prepare", ground.tool.name, round_number, ground.prepare):
            running.append(ground)
    for step in plan:
        for ground in list(running):
            name = ground.tool.name
            say(f"{workload}, round {round_number + 1} of {course.rounds}: {name} {step.name}")
            action = partial(_time_step, course, ground, step, round_number)
            if not _attempt(course, workload, step.name, name, round_number, action):
                running.remove(ground)
        if course.floor and step.floor:
            action = partial(_time_floor, course, grounds[0], step, round_number)
            _attempt(course, workload, step.name, FLOOR, round_number, action)


def _time_step(course: Course, ground: Ground, step: steps.Step, round_number: int) -> None:
    """One step of one tool: prepared, settled, timed, settled, checked."""
    step.prepare(ground)
    cost, settled = _time(course, ground, step.commands(ground))
    step.check(ground)
    course.results.samples.append(Sample(ground.workload, step.name, ground.tool.name, round_number, cost, settled))
    say(f"    {cost.seconds:.2f} s, then {settled:.2f} s until on the disk")


def _time(course: Course, ground: Ground, commands: Sequence[Command]) -> tuple[Cost, float]:
    """The timed region between two moments of quiet; the seconds of the second one are told, too."""
    settle(course.work)
    touch_free_memory(ground.memory_bytes)
    return run(commands), settle(course.work)


def _time_floor(course: Course, ground: Ground, step: steps.Step, round_number: int) -> None:
    """`cp -r` in turn with the tools, so that it meets the same disk and the same page cache."""
    cost, settled = _time(course, ground, [ground.copy()])
    course.results.samples.append(Sample(ground.workload, step.name, FLOOR, round_number, cost, settled))
    ground.remove_copy()


def _attempt(
    course: Course, workload: str, step: str, tool: str, round_number: int, action: Callable[[], None]
) -> bool:
    """Do it; a failure is remembered and takes the tool out of the round, not the others."""
    try:
        action()
    except (StepError, OSError) as failure:
        # OSError: a tool that left no data behind is found when the data is to be edited or deleted.
        course.results.failures.append(Failure(workload, step, tool, round_number, str(failure)))
        say(f"    FAILED: {failure}")
        return False
    return True


def _grounds(course: Course, workload: str, source: Path, round_number: int) -> list[Ground]:
    root = _round_folder(course, workload, round_number)
    return [
        Ground(workload, tool, root / tool.name, source, course.results, course.aside, final_check=round_number == 0)
        for tool in course.tools
    ]


def _in_turn(grounds: list[Ground], number: int) -> list[Ground]:
    """Whoever was first is last in the next round."""
    return grounds if number % 2 == 0 else grounds[::-1]


def _round_folder(course: Course, workload: str, round_number: int) -> Path:
    return course.work / "rounds" / f"{workload.replace(' ', '-')}-{round_number + 1}"


def _clear(course: Course, workload: str, round_number: int) -> None:
    """Only logs stay."""
    for folder in _round_folder(course, workload, round_number).iterdir():
        if (folder / "log.txt").exists():
            log = course.work / "logs" / f"{folder.parent.name}-{folder.name}.txt"
            log.parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / "log.txt", log)
        course.aside.discard(folder)
    _round_folder(course, workload, round_number).rmdir()


def _track(ground: Ground) -> None:
    ground.prepare()
    run([ground.command("add", ground.source.name)])
    ground.commit()


def _time_start(course: Course, ground: Ground, name: str, words: Sequence[str], repeat: int) -> None:
    cost = run([ground.command(*words)])
    course.results.samples.append(Sample("start", name, ground.tool.name, repeat, cost, 0.0))


def say(line: str) -> None:
    """Tell what is going on."""
    print(line, file=sys.stderr, flush=True)
