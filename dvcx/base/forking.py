"""Spreading work that Python itself is busy with over several processes, by forking this one."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from dvcx.base.files import write_all

Part = TypeVar("Part")


def usable_processes(most: int = 4) -> int:
    """Gives how many processes are worth using: the processors this one may run on, at most `most`.

    One where forking is not safe: elsewhere than on Linux, system libraries may not survive it.
    """
    if not sys.platform.startswith("linux"):
        return 1
    return max(1, min(most, len(os.sched_getaffinity(0))))


def run_forked(parts: Sequence[Part], work: Callable[[Part], bytes]) -> list[bytes]:
    """Gives `work(part)` for each part, in order: the first in this process, each other one in a forked copy of it.

    What `work` changes in memory is lost in the copies; only its bytes come back, and an `OSError` that it raised
    there is raised here. When anything is raised here the copies are ended first.
    """
    children: list[tuple[int, int]] = []
    try:
        children.extend(_start(part, work) for part in parts[1:])
        results = [work(parts[0])] if parts else []
        while children:
            pid, pipe = children[0]
            answer = _read_all(pipe)
            children.pop(0)
            os.close(pipe)
            os.waitpid(pid, 0)
            results.append(_result(answer))
        return results
    finally:
        for pid, pipe in children:
            os.close(pipe)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _start(part: Part, work: Callable[[Part], bytes]) -> tuple[int, int]:
    reading, writing = os.pipe()
    parent = os.getpid()
    with warnings.catch_warnings():
        # Python warns of forking beside threads. The copy below touches nothing that another thread could hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _in_child(part, work, writing, parent)
    os.close(writing)
    return pid, reading


def _in_child(part: Part, work: Callable[[Part], bytes], pipe: int, parent: int) -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            answer = b"R" + work(part)
        except OSError as error:
            answer = b"E" + pickle.dumps((error.errno, error.strerror, error.filename))
        except Exception:
            answer = b"T" + traceback.format_exc().encode("utf-8", "replace")
        if os.getppid() == parent:
            write_all(pipe, answer)
        code = 0
    finally:
        os._exit(code)  # without flushing what the parent has in its buffers


def _read_all(pipe: int) -> bytes:
    pieces = []
    while piece := os.read(pipe, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def _result(answer: bytes) -> bytes:
    kind, body = answer[:1], answer[1:]
    if kind == b"R":
        return body
    if kind == b"E":
        code, text, filename = pickle.loads(body)  # from our own copy, never from a file
        raise OSError(code, text, filename)
    raise RuntimeError(f"a forked process failed: {body.decode('utf-8', 'replace') or 'it was killed'}")
