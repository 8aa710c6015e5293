from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
import time

import pytest

from dvcx.base.progress import SILENT, task
from dvcx.cli.console import Console
from dvcx.cli.progress import TerminalProgress, can_show
from dvcx.cli.settings import Settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bars_are_only_for_a_person_who_wants_them() -> None:
    terminal, pipe = Console(Settings(), {}, err=Terminal()), Console(Settings(), {}, err=io.StringIO())
    assert can_show(terminal, {})
    assert not can_show(terminal, {"TERM": "dumb"})
    assert not can_show(pipe, {})
    assert not can_show(Console(Settings(quiet=True), {}, err=Terminal()), {})


def test_quick_work_shows_nothing() -> None:
    terminal = Terminal()
    progress = TerminalProgress(terminal)
    with task(progress, "quick", 10, "files") as started:
        started.advance(10)
    progress.close()
    assert terminal.getvalue() == ""


def test_every_thread_counts() -> None:
    progress = TerminalProgress(Terminal())
    started = progress.start("counting", None, "files")

    def count() -> None:
        for _ in range(10_000):
            started.advance()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    progress.close()
    assert getattr(started, "completed") == 80_000  # noqa: B009


def test_long_work_shows_bars_and_leaves_a_clean_screen() -> None:
    terminal = Terminal()
    progress = TerminalProgress(terminal)
    hashing = progress.start("hashing [red]a\x1b[2J", 2 * 2**20, "bytes")
    sending = progress.start("sending", None, "objects")
    hashing.advance(2**20)
    sending.advance(12_345)
    wait_for(terminal, "12,345 objects")
    assert "hashing [red]a\\x1b[2J" in terminal.getvalue()
    assert "1.0 MiB / 2.0 MiB" in terminal.getvalue()
    progress.hide()
    assert terminal.getvalue().endswith("\x1b[1A\x1b[2K")  # the cursor is where the bars began
    hashing.done()
    sending.done()
    progress.close()
    progress.close()


def test_what_has_no_known_end_shows_how_long_it_took_by_now_also_after_a_line_of_talk() -> None:
    terminal = Terminal()
    progress = TerminalProgress(terminal)
    training = progress.start("train", None, "lines")
    training.advance()
    setattr(training, "started", time.monotonic() - 3725)  # noqa: B010
    wait_for(terminal, "1 line  1:02:0")
    progress.hide()
    terminal.truncate(0)
    wait_for(terminal, "1 line  1:02:0")
    assert "0 lines" not in terminal.getvalue()
    progress.close()


def wait_for(terminal: Terminal, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in terminal.getvalue():
        assert time.monotonic() < deadline, terminal.getvalue()
        time.sleep(0.02)


def test_a_task_is_done_also_after_an_error() -> None:
    progress = TerminalProgress(Terminal())
    with pytest.raises(ValueError, match="x"), task(progress, "failing", None, "files") as started:
        raise ValueError("x")
    progress.close()
    assert getattr(started, "ended") is True  # noqa: B009


def test_silence_accepts_everything() -> None:
    with task(SILENT, "x", None, "files") as started:
        started.advance(3)
        started.done()


PROGRAM = """
import os, time
from dvcx.cli.console import Console
from dvcx.cli.progress import TerminalProgress, can_show
from dvcx.cli.settings import Settings
console = Console(Settings(), os.environ)
if can_show(console, os.environ):
    progress = TerminalProgress(console.err)
    progress.start("working", 10, "files").advance(5)
    time.sleep(1.5)
    progress.close()
"""


def test_a_real_terminal_shows_bars_and_a_pipe_none() -> None:
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    master, slave = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=slave, env=environment) as process:
        os.close(slave)
        seen = b""
        while chunk := _read(master):
            seen += chunk
        assert process.wait() == 0
    os.close(master)
    assert b"5 / 10 files" in seen
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except OSError:  # Linux's way to say that the other side is closed
        return b""
