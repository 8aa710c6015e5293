"""Errors become messages and exit codes here, and nowhere else."""

from __future__ import annotations

import errno
import os
import select
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from dvcx import __version__
from dvcx.base.errors import (
    Busy,
    DamagedData,
    DvcxError,
    MissingData,
    Refused,
    RemoteError,
    StageFailed,
    UsageError,
    shown,
)
from dvcx.cli.console import Console, naming_output, silence, write_utf8
from dvcx.cli.text import cyan, dim, red


@dataclass(frozen=True, slots=True)
class Family:
    """What one exit code means: `kind` is its name in `--json`, `means` and `do` are for the reference."""

    code: int
    kind: str
    means: str
    do: str


DONE = Family(0, "done", "What was asked is done, completely and durably.", "")
ERROR = Family(
    1,
    "error",
    "Something went wrong that has no code of its own: there is no project here, a file cannot be read or "
    "written, the disk is full. Also what `status --exit-code` answers when there are "
    "changes.",
    "Read the message and its hint, put the cause right and run the same command again.",
)
USAGE = Family(
    2,
    "usage",
    "The command was typed in a way that cannot work: an unknown option, a missing argument, `-C` to nowhere.",
    "`dvcx COMMAND --help` shows what it takes.",
)
DAMAGED = Family(
    3,
    "damaged-data",
    "Stored bytes are not what their name says, or a file of dvcx cannot be parsed. Nothing damaged was passed on. "
    "Of a remote only `fsck --remote` says so: what comes from one and is wrong may be damaged on the way (5).",
    "`dvcx fsck` shows all there is, `dvcx fsck --repair` mends it from the other side.",
)
MISSING = Family(
    4,
    "missing-data",
    "Data is in neither place where it could be, or only a part of the work could be done. The names are in the "
    "message, and all of them in `--json`.",
    "Fetch or push the data where it exists, then run the same command again.",
)
REMOTE = Family(
    5,
    "remote",
    "A remote or the network did not do what was asked, or what came is not what it should be, also after trying "
    "again. Nothing wrong was taken in.",
    "Run the same command again: it goes on where it stopped. Of what stays wrong `dvcx fsck --remote NAME` tells "
    "whether it is damaged on the remote or on the way from there.",
)
REFUSED = Family(
    6,
    "refused",
    "Doing it would be unsafe: data that nobody has saved would be lost, a path leads outside the project, "
    "or a question had nobody to answer it. Nothing was changed.",
    "The hint names the choices, such as `--force` (which keeps what it replaces in the trash) or `--yes`.",
)
STAGE = Family(
    7,
    "stage-failed",
    "The command of a pipeline stage ended with an error.",
    "Read the stage's own output above the message.",
)
BUG = Family(
    70,
    "bug",
    "An error in dvcx itself. Your data is as safe as after an interruption.",
    "Report it, with the file that the message names.",
)
BUSY = Family(
    75,
    "busy",
    "Another process holds a lock; the message names it (process, host, since when, which command).",
    "Wait for it and try again. Locks end with their process: there is never one to delete.",
)
INTERRUPTED = Family(
    130,
    "interrupted",
    "Control-C was pressed.",
    "Run the same command again: it goes on where it stopped.",
)
CUT_OFF = Family(
    141,
    "cut-off",
    "Whatever read the output went away, as in `dvcx ls | head -1`. Other Unix programs give the same code.",
    "",
)

FAMILIES = (
    DONE,
    ERROR,
    USAGE,
    DAMAGED,
    MISSING,
    REMOTE,
    REFUSED,
    STAGE,
    BUG,
    BUSY,
    INTERRUPTED,
    CUT_OFF,
)

_FAMILY_BY_ERROR: Mapping[type[DvcxError], Family] = {
    DvcxError: ERROR,
    UsageError: USAGE,
    DamagedData: DAMAGED,
    MissingData: MISSING,
    RemoteError: REMOTE,
    Refused: REFUSED,
    StageFailed: STAGE,
    Busy: BUSY,
}

_AGAIN = "then run the same command again: what is complete is kept"
_SYSTEM: Mapping[int, tuple[str, str]] = {
    errno.ENOSPC: ("no space left on the device", f"free some space, {_AGAIN}"),
    errno.EDQUOT: ("the disk quota is used up", f"free some space or ask for more, {_AGAIN}"),
    errno.EACCES: ("permission denied", f"check who owns it and its permissions, {_AGAIN}"),
    errno.EPERM: ("the system does not permit this", f"check who owns it and its attributes, {_AGAIN}"),
    errno.EROFS: ("the file system is read-only", f"mount it writable or use another place, {_AGAIN}"),
    errno.EIO: (
        "the disk reported an input/output error",
        "the hardware or the network share may be failing: look at the system log, copy what matters to another disk",
    ),
    errno.ENAMETOOLONG: ("the name is too long for this file system", "shorten the file's or the folders' names"),
    errno.EMFILE: ("too many open files", "raise the limit with `ulimit -n 4096`, or use fewer jobs with `-j`"),
}

_REPORT = "please report it to the dvcx project, with {where} (read it first: it may show paths and names)"


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as the user gets it."""

    family: Family
    message: str
    hint: str | None = None
    names: tuple[str, ...] = ()
    excerpt: tuple[str, ...] = ()


def report(error: BaseException, console: Console, environment: Mapping[str, str]) -> int:
    """Tells the user about any exception that ended a command, and gives the exit code."""
    if isinstance(error, BrokenPipeError) and _nobody_reads(console.out, console.err):
        _silence_broken(console.out, console.err)
        return CUT_OFF.code
    trouble = trouble_of(error)
    try:
        if console.verbose >= 2 or environment.get("DVCX_DEBUG"):
            for line in "".join(traceback.format_exception(error)).splitlines():
                console.error_line(line)
        show(trouble, console)
    except OSError:  # stderr cannot be written: the exit code is all that is left to say
        pass
    _silence_broken(console.out, console.err)
    return trouble.family.code


def trouble_of(error: BaseException) -> Trouble:
    """Gives what to tell the user about any exception."""
    if isinstance(error, DvcxError):
        family = next(_FAMILY_BY_ERROR[kind] for kind in type(error).__mro__ if kind in _FAMILY_BY_ERROR)
        excerpt = tuple(getattr(error, "excerpt", ()))
        return Trouble(family, error.message, error.hint, tuple(getattr(error, "names", ())), excerpt)
    if isinstance(error, KeyboardInterrupt):
        return Trouble(INTERRUPTED, "interrupted; run the same command again to go on")
    if isinstance(error, OSError) and error.errno is not None:
        return _system_trouble(error, error.errno)
    if isinstance(error, MemoryError):
        return Trouble(ERROR, "out of memory", "close other programs, or use fewer jobs with `-j 1`")
    return _bug(error)


def show(trouble: Trouble, console: Console) -> None:
    """Writes an error to stderr, as text or with `--json` as one JSON document of one line.

    Names that the message does not show are listed below it: ten, or all with `-v`.
    """
    message, hint, names = trouble.message, trouble.hint, trouble.names
    if console.json:
        # Needs msgspec; see Console.emit.
        from dvcx.cli.render.document import document

        family = trouble.family
        fields = {"code": family.code, "kind": family.kind, "message": message, "hint": hint, "names": names}
        if trouble.excerpt:
            fields["excerpt"] = trouble.excerpt
        console.before_talk()
        write_utf8(console.err, document({"error": fields}) + "\n")
        return
    console.error_line(red("error:"), " ", message)
    for line in trouble.excerpt:
        console.error_line(dim(line))
    if shown(names) not in message and any(name not in message for name in names):
        most = len(names) if console.verbose else 10
        for name in names[:most]:
            console.error_line("  ", name)
        if len(names) > most:
            console.error_line(f"  and {len(names) - most} more (all with -v)")
    if hint is not None:
        console.error_line(cyan("hint:"), " ", hint)


def _system_trouble(error: OSError, number: int) -> Trouble:
    what, hint = _SYSTEM.get(number, (os.strerror(number).lower(), None))
    where = " -> ".join(str(os.fsdecode(name)) for name in (error.filename, error.filename2) if _is_path(name))
    return Trouble(ERROR, f"{where}: {what}" if where else what, hint)


def _is_path(name: object) -> bool:
    return isinstance(name, str | bytes | os.PathLike)


def _bug(error: BaseException) -> Trouble:
    kind = type(error).__name__
    first_line = (str(error).splitlines() or [""])[0]
    where = _saved(error)
    hint = _REPORT.format(where=f"the traceback in {where}" if where else "the traceback that `-vv` shows")
    return Trouble(BUG, f"this is a bug in dvcx: {kind}: {first_line}".removesuffix(": "), hint)


def _saved(error: BaseException) -> str | None:
    """Saves the traceback into a new file of the system's folder for these; gives its path, None when it cannot."""
    # The words of the command line are left out: they may hold passwords.
    import platform

    head = f"dvcx {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
    text = head + "".join(traceback.format_exception(error))
    # Takes 4 ms to import, which every start would pay.
    import tempfile

    try:
        fd, path = tempfile.mkstemp(prefix="dvcx-bug-", suffix=".txt")
        with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return None
    return path


def _nobody_reads(*streams: TextIO) -> bool:
    """Tells whether one of our own streams is a pipe whose reader is gone: then nobody is left to tell.

    Any other broken pipe, to a program or a server, is an error.
    """
    poll = select.poll()
    for stream in streams:
        try:
            poll.register(stream.fileno(), 0)
        except (OSError, ValueError):  # not a file
            pass
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def _silence_broken(*streams: TextIO) -> None:
    """Silences the streams that cannot be flushed: Python would try again when it ends, and complain."""
    for stream in streams:
        try:
            stream.flush()
        except OSError:
            silence(stream)
        except ValueError:  # closed already
            pass


def flush_output() -> None:
    """Flushes stdout, so that a full disk behind it is an error like any other rather than a lost result."""
    with naming_output():
        sys.stdout.flush()
