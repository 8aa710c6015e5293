"""Processes that end at the worst moment: killed, or failed by the system, at every step that touches the disk.

The work runs in a forked child whose `os` functions count their calls. Before the nth call the child kills itself, as
`kill -9` or a power cut would (a write then has written half), or the call fails.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
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


def kill_at_every_step(folder: Path, arrange: Step, act: Step, check: Step, *, stride: int = 1) -> int:
    """Runs `act` again and again, each time killed one step later, until it ends by itself; gives the steps it took.

    All three get a new, empty folder for each run: `arrange` fills it, `check` looks at it afterwards. With a `stride`
    only every so many steps are tried.
    """
    for number in range(0, 10_000, stride):
        place = _new_place(folder, number)
        arrange(place)
        status = _run(act, place, number, _die)
        check(place)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0, "the work failed by itself; its traceback is above"
            return number
    raise AssertionError("the work never ends")


def fail_at_every_step(folder: Path, code: int, arrange: Step, act: Step, check: Step, *, stride: int = 1) -> int:
    """Does the same, but instead of being killed the step raises `OSError` with this code; so may `act` then."""
    for number in range(0, 10_000, stride):
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


def as_nobody(act: Callable[[], object]) -> int:
    """Runs `act` in a child to whom permissions matter, also when the tests run as root, and gives its exit status.

    Root without capabilities owns what root owns, and may do to it what its mode allows, like anybody.
    """
    if os.getuid() != 0:
        return in_child(act)
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux has capabilities that root can drop")

    def powerless() -> None:
        _drop_capabilities()
        act()

    return in_child(powerless)


def _drop_capabilities() -> None:
    """Takes all capabilities from this process and from the programs that it starts (capabilities(7))."""
    library = ctypes.CDLL(None, use_errno=True)
    no_root, locked = 1, 2
    library.prctl(_SET_SECUREBITS, no_root | locked, 0, 0, 0)  # not every root may; then only this process is powerless
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    assert library.capset(header, nothing) == 0, os.strerror(ctypes.get_errno())


_SET_SECUREBITS = 28
_CAPABILITIES_VERSION_3 = 0x20080522


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
