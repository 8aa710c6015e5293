"""Processes that end at the worst moment: killed, or failed by the system, at every step that touches the disk.

The work runs in a forked child whose `os` functions count their calls. Before the nth call the child kills itself, as
`kill -9` or a power cut would (a write then has written half), or the call fails.
"""

from __future__ import annotations

import errno
import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from dvcx.base import files, moving
from dvcx.storage import cache_writer, trash_undo

_STEPS = (
    "open", "write", "fsync", "rename", "replace", "unlink", "remove", "rmdir", "mkdir",
    "symlink", "link", "utime", "chmod", "fchmod", "truncate", "ftruncate", "sendfile",
)  # fmt: skip
_FAILED = 70


Step = Callable[[Path], object]


def kill_at_every_step(folder: Path, arrange: Step, act: Step, check: Step) -> int:
    """Runs `act` again and again, each time killed one step later, until it ends by itself; gives the steps it took.

    All three get a new, empty folder for each run: `arrange` fills it, `check` looks at it afterwards.
    """
    for number in range(10_000):
        place = _new_place(folder, number)
        arrange(place)
        status = _run(act, place, number, _die)
        check(place)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0, "the work failed by itself; its traceback is above"
            return number
    raise AssertionError("the work never ends")


def fail_at_every_step(folder: Path, code: int, arrange: Step, act: Step, check: Step) -> int:
    """Does the same, but instead of being killed the step raises `OSError` with this code; so may `act` then."""
    for number in range(10_000):
        place = _new_place(folder, number)
        arrange(place)
        status = os.waitstatus_to_exitcode(_run(act, place, number, _fail_with(code)))
        assert status in (0, code), "the work raised something else than the system's error; see above"
        check(place)
        if not place.with_name(f"{number}{_MARK}").exists():
            return number
    raise AssertionError("the work never ends")


_MARK = " failed"


def _new_place(folder: Path, number: int) -> Path:
    place = folder / str(number)
    place.mkdir(parents=True)
    return place


def in_child(act: Callable[[], object]) -> int:
    """Runs `act` in a forked child and gives its exit status; a traceback goes to stderr."""
    child = os.fork()
    if child == 0:
        _end(act)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def as_nobody(folder: Path, act: Callable[[], object]) -> int:
    """Runs `act` in a child that is not root, to whom `folder` belongs, and gives its exit status."""
    if os.getuid() != 0:
        return in_child(act)
    if not _may_be_read_by_others(Path(os.__file__)) or not _may_be_read_by_others(Path(files.__file__)):
        pytest.skip("Python or dvcx lies where only root may read it, so somebody else cannot run them")
    for at, folders, names in os.walk(folder):
        for name in [at, *(os.path.join(at, each) for each in (*folders, *names))]:
            os.chown(name, 65534, 65534, follow_symlinks=False)

    def dropped() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        act()

    return in_child(dropped)


def _may_be_read_by_others(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def _run(act: Step, place: Path, number: int, end: Callable[[str, Path], None]) -> int:
    child = os.fork()
    if child == 0:
        _arm(place, number, end)
        _end(lambda: act(place))
    return os.waitpid(child, 0)[1]


def _end(act: Callable[[], object]) -> NoReturn:
    try:
        act()
    except OSError as error:
        if error.errno is None or error.errno > 60:
            traceback.print_exc()
        os._exit(error.errno or _FAILED)
    except BaseException:
        traceback.print_exc()
        os._exit(_FAILED)
    os._exit(0)


def _die(name: str, place: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fail_with(code: int) -> Callable[[str, Path], None]:
    mkdir = os.mkdir

    def fail(name: str, place: Path) -> None:
        mkdir(place.with_name(place.name + _MARK))
        raise OSError(code, os.strerror(code))

    return fail


def _arm(place: Path, number: int, end: Callable[[str, Path], None]) -> None:
    left = [number]

    def armed(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **options: object) -> object:
            left[0] -= 1
            if left[0] == -1:
                if name == "write" and isinstance(args[1], bytes | memoryview):
                    call(args[0], args[1][: len(args[1]) // 2])
                end(name, place)
            return call(*args, **options)

        return step

    for name in _STEPS:
        setattr(os, name, armed(name, getattr(os, name)))
    # These two reach the kernel without the `os` module.
    moving.rename_new = armed("rename_new", moving.rename_new)  # type: ignore[assignment]
    sync = armed("sync_filesystem", files.sync_filesystem)
    for module in (files, cache_writer, trash_undo):
        module.__dict__["sync_filesystem"] = sync
    moving.__dict__["sync_filesystem_of"] = armed("sync_filesystem_of", files.sync_filesystem_of)


NO_SPACE = errno.ENOSPC
INPUT_OUTPUT = errno.EIO
