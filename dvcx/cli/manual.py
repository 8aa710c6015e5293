"""The manual page, which `git dvcx --help` and `man dvcx` show: the help of every command, in roff.

It goes into `share/man` beside the `bin` in which the commands are, where `man` looks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dvcx.cli.exits import FAMILIES
from dvcx.cli.group import load, root
from dvcx.cli.help import CommandHelp, Row, described
from dvcx.cli.table import Entry, Panel, every_command

_NOTE = '.\\" Written by `python -m dvcx.cli.reference --write`: change the command, not this page.'
OTHER_NAME = ".so man1/git-dvcx.1\n"
"""The page under another name, `dvcx`."""


def manual_page(entries: Sequence[Entry]) -> str:
    """Gives the manual page of all commands of the table `entries`."""
    whole = described(root(), "dvcx")
    lines = [_NOTE, '.TH GIT\\-DVCX 1 "" "dvcx" "dvcx manual"', ".SH NAME"]
    lines += ["git\\-dvcx, dvcx \\- data and model version control over Git", ".SH SYNOPSIS"]
    lines += [f"\\fB{_escaped(whole.usage)}\\fR", ".br", "\\fBgit dvcx\\fR ...", ".SH DESCRIPTION"]
    lines += [*_paragraphs(whole.description), *_paragraph("`dvcx COMMAND \\-\\-help` explains a command.")]
    commands = list(every_command(tuple(entries)))
    for panel in Panel:
        listed = [command for command in commands if command.panel is panel]
        if listed:
            lines += [f'.SH "{_escaped(panel.upper())}"']
            lines += _rows((" ".join(("dvcx", *command.path)), command.help) for command in listed)
    lines += ['.SH "OPTIONS OF EVERY COMMAND"', *_rows(whole.shared), ".SH COMMANDS"]
    for command in sorted(commands, key=lambda command: list(Panel).index(command.panel)):
        path = " ".join(("dvcx", *command.path))
        lines += _command(described(load(command), path), path)
    lines += ['.SH "EXIT STATUS"', *_rows((str(one.code), f"{one.kind}. {one.means}") for one in FAMILIES)]
    return "\n".join(lines) + "\n"


def _command(help: CommandHelp, path: str) -> Iterator[str]:
    yield f'.SS "{_escaped(path)}"'
    yield f"\\fB{_escaped(help.usage)}\\fR"
    yield from _paragraphs(help.description)
    yield from _rows((*help.arguments, *help.options))
    if help.examples:
        yield from (".PP", "Examples:", *_as_typed(help.examples))


def _rows(rows: Iterable[Row]) -> Iterator[str]:
    for name, text in rows:
        yield from (".TP", f"\\fB{_escaped(name.strip())}\\fR", _escaped(text) or "\\&")


def _paragraphs(text: str) -> Iterator[str]:
    for part in text.split("\n\n"):
        # Indented lines (lists, samples) keep their breaks, as in the help on a terminal.
        if any(line.startswith((" ", "- ", "* ")) for line in part.splitlines()):
            yield from (".PP", *_as_typed(part.splitlines()))
        elif part.strip():
            yield from _paragraph(_escaped(" ".join(part.split())))


def _paragraph(text: str) -> Iterator[str]:
    yield from (".PP", text)


def _as_typed(lines: Iterable[str]) -> Iterator[str]:
    yield from (".RS 4", ".nf", *map(_escaped, lines), ".fi", ".RE")


def _escaped(text: str) -> str:
    """Gives text in which nothing is a request of roff, and hyphens stay what can be typed."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("`", "\\(ga")
    return f"\\&{text}" if text.startswith((".", "'")) else text
