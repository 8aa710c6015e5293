"""The two ways a command speaks: data to stdout, talk to stderr."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TextIO

from dvcx.base.errors import Refused
from dvcx.cli.settings import Settings, When
from dvcx.cli.text import Cell, Piece, bold, cyan, drawn, table, yellow


class Console:
    """Where results and talk go, how loud, in which form.

    Everything that is printed as text is escaped, piece by piece: no name can act on the terminal. Pieces are strings
    or come from `bold`, `green`, ... of `dvcx.cli.text`.
    """

    def __init__(
        self, settings: Settings, environment: Mapping[str, str], out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        self.json = settings.json
        self.quiet = settings.quiet
        self.verbose = settings.verbose
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.before_talk: Callable[[], None] = lambda: None  # progress bars leave the screen here
        self._out_colour = wants_colour(settings.colour, self.out, environment)
        self._err_colour = wants_colour(settings.colour, self.err, environment)

    def line(self, *pieces: Piece) -> None:
        """Writes one line of data to stdout."""
        self._put(drawn(pieces, colour=self._out_colour) + "\n")

    def report(self, *pieces: Piece) -> None:
        """Writes one line about what was done to stdout. Not with `--quiet`: nobody asked for it as data."""
        if not self.quiet:
            self.line(*pieces)

    def table(self, rows: Iterable[Sequence[Cell]], *, right: Collection[int] = ()) -> None:
        """Writes rows of data to stdout, the cells of a column under each other; `right` aligns columns of numbers."""
        self._put("".join(drawn(line, colour=self._out_colour) + "\n" for line in table(rows, right=right)))

    def raw(self, text: str) -> None:
        """Writes `text` of our own making (a script, Markdown) to stdout as it is."""
        self._put(text if text.endswith("\n") else text + "\n")

    def emit(self, result: object) -> None:
        """Writes `result` to stdout as one JSON document: `--json`."""
        # Needs msgspec, which `--help` and plain results can do without.
        from dvcx.cli.render.document import document

        text = document(result, indent=2 if is_terminal(self.out) else 0)
        with naming_output():
            write_utf8(self.out, text + "\n")

    def say(self, *pieces: Piece) -> None:
        """Tells the user something on stderr: what was done, what to do next. Not with `--quiet` or `--json`."""
        if not self.quiet and not self.json:
            self._talk(pieces)

    def next_step(self, *pieces: Piece) -> None:
        """Tells what to type next, on stderr. Not with `--quiet` or `--json`."""
        self.say(cyan("next:"), " ", *pieces)

    def detail(self, *pieces: Piece) -> None:
        """Tells more on stderr, with `-v`."""
        if self.verbose >= 1:
            self._talk(pieces)

    def debug(self, *pieces: Piece) -> None:
        """Tells what only somebody who looks for a fault wants to know, with `-vv`."""
        if self.verbose >= 2:
            self._talk(pieces)

    def warn(self, message: str, hint: str | None = None) -> None:
        """Warns on stderr, also with `--quiet`; with `--json` as a JSON document of one line."""
        if self.json:
            from dvcx.cli.render.document import document

            self.before_talk()
            write_utf8(self.err, document({"warning": {"message": message, "hint": hint}}) + "\n")
            return
        self._talk((yellow("warning:"), " ", message))
        if hint is not None:
            self._talk((cyan("hint:"), " ", hint))

    def confirm(self, question: str, hint: str) -> bool:
        """Asks `question` on the terminal and gives whether the answer is yes.

        Raises `Refused` with `hint`, what to type instead, where nobody can answer. Ask only what cannot be undone or
        what the user wants to be asked.
        """
        if not (is_terminal(sys.stdin) and is_terminal(self.err)):
            raise Refused(f"nobody is here to answer: {question}", hint)
        self.before_talk()
        self.err.write(drawn((bold(question), " [y/N] "), colour=self._err_colour))
        self.err.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def error_line(self, *pieces: Piece) -> None:
        """Writes a line to stderr however quiet it should be: the rendering of errors."""
        self._talk(pieces)

    def _put(self, text: str) -> None:
        with naming_output():
            self.out.write(text)

    def _talk(self, pieces: Iterable[Piece]) -> None:
        self.before_talk()
        self.err.write(drawn(pieces, colour=self._err_colour) + "\n")
        self.err.flush()


def is_terminal(stream: TextIO) -> bool:
    """Tells whether a person sees `stream`."""
    try:
        return stream.isatty()
    except (ValueError, AttributeError):  # closed, or not there at all
        return False


def wants_colour(when: When, stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tells whether to colour `stream`: `--color` decides, then NO_COLOR (any text), then TERM=dumb and what it is."""
    if when is not When.AUTO:
        return when is When.ALWAYS
    return not environment.get("NO_COLOR") and environment.get("TERM") != "dumb" and is_terminal(stream)


@contextlib.contextmanager
def naming_output() -> Iterator[None]:
    """Makes a failed write of results say that it was the output, as a failed write of a file says which file."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or "the output"
        raise


def write_utf8(stream: TextIO, text: str) -> None:
    """Writes `text` in UTF-8 whatever the locale says: JSON has no other encoding."""
    stream.flush()
    buffer = getattr(stream, "buffer", None)
    if buffer is None:  # a stream that is made of text, as in tests
        stream.write(text)
    else:
        rest = memoryview(text.encode("utf-8"))
        while rest:  # with PYTHONUNBUFFERED the buffer is the bare file, which may take a part only
            rest = rest[buffer.write(rest) :]
        buffer.flush()


def prepare_streams() -> None:
    """Makes stdout and stderr accept every text: what their encoding lacks is written with a backslash."""
    # Both are None when the shell closed them (`2>&-`).
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115  (for the life of the process)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def silence(stream: TextIO) -> None:
    """Sends what is left in `stream` to nowhere, so that the interpreter's last flush cannot fail."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass
