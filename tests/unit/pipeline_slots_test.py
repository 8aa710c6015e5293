"""What stages share: how many run at once, and what there is of each resource."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.config.settings import SETTINGS, BadSetting
from dvcx.model.stage import Stage
from dvcx.pipeline import slots
from dvcx.pipeline.slots import Slots, capacity, machine


def stage(*mutex: str, **resources: float) -> Stage:
    return Stage("a", "a", "dvcx.yaml", ("x",), resources=resources, mutex=mutex)


def taken(free: Slots, *stages: Stage) -> list[bool]:
    return [free.take(each) for each in stages]


def test_there_are_as_many_as_jobs() -> None:
    free = Slots(2, {"cpu": 8})
    assert taken(free, stage(), stage(), stage()) == [True, True, False]
    free.give_back(stage())
    assert free.take(stage())


def test_more_jobs_than_cores_run_when_nobody_says_what_they_take() -> None:
    assert taken(Slots(3, {"cpu": 2}), stage(), stage(), stage(), stage()) == [True, True, True, False]


def test_cores_are_not_handed_out_twice() -> None:
    free = Slots(4, {"cpu": 4})
    assert taken(free, stage(cpu=3), stage(cpu=2), stage(), stage()) == [True, False, True, False]
    free.give_back(stage(cpu=3))
    assert taken(free, stage(cpu=2), stage(cpu=2)) == [True, False]


def test_who_wants_more_than_there_is_runs_alone() -> None:
    free = Slots(4, {"cpu": 4, "memory": 8e9})
    assert taken(free, stage(cpu=100), stage()) == [True, False]
    free.give_back(stage(cpu=100))
    assert taken(free, stage(memory=64e9, cpu=0), stage(memory=1), stage()) == [True, False, True]


def test_memory_is_shared_by_what_stages_say() -> None:
    free = Slots(4, {"cpu": 4, "memory": 8e9})
    assert taken(free, stage(memory=5e9), stage(memory=4e9), stage(memory=3e9)) == [True, False, True]


def test_of_a_name_that_nobody_described_there_is_one() -> None:
    assert taken(Slots(4, {"cpu": 4}), stage(gpu=1), stage(gpu=1)) == [True, False]
    assert taken(Slots(4, {"cpu": 4, "gpu": 2}), stage(gpu=1), stage(gpu=1), stage(gpu=1)) == [True, True, False]


def test_a_mutex_is_held_by_one() -> None:
    free = Slots(4, {"cpu": 4})
    assert taken(free, stage("a", "b"), stage("b"), stage("c")) == [True, False, True]
    free.give_back(stage("a", "b"))
    assert free.take(stage("b"))


def test_what_is_described_counts_and_else_what_the_machine_has() -> None:
    found = capacity(["gpu=3", "memory=2GiB", "licence=1.5"])
    assert found == {**machine(), "gpu": 3.0, "memory": float(2 << 30), "licence": 1.5}
    assert machine()["cpu"] >= 0.01 and machine()["memory"] > 1e6


def test_the_limits_of_a_container_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Path, "read_text", lambda path: {"cpu.max": "50000 100000\n", "memory.max": "4096\n"}[path.name]
    )
    assert (machine()["cpu"], machine()["memory"]) == (0.5, 4096.0)
    monkeypatch.setattr(slots, "_limit_of_group", lambda name: "max 100000" if name == "cpu.max" else "max")
    assert machine()["cpu"] >= 1 and machine()["memory"] > 4096


@pytest.mark.parametrize("text", ["gpu", "gpu=", "gpu=two", "gpu=-1", "memory=much", "gpu=2GB", "=2", "memory=1e9"])
def test_a_setting_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadSetting, match=r"repro\.resources cannot be"):
        SETTINGS["repro.resources"].checked([text])


@pytest.mark.parametrize("text", ["gpu=2", "my-card.x=0.5", "memory=8", "memory=8GB", "memory=1.5 TiB", "memory=300k"])
def test_amounts_are_taken_and_can_be_read(text: str) -> None:
    SETTINGS["repro.resources"].checked([text])
    assert capacity([text])[text.partition("=")[0]] > 0
