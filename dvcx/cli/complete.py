"""What the shell offers at a press of the tab key. Reads the table and, for options, one command's declaration.

`dvcx __complete SHELL WORDS...` prints one offer a line, with a tab and its help where the shell shows that; the last
word is the one being typed. No output means: complete file names. No code of the repository is run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from dvcx.cli.settings import When
from dvcx.cli.table import TABLE, Command, Entry, Group, find
from dvcx.cli.text import escaped

Offer = tuple[str, str]  # what to insert, its help

_VALUES_OF_SHARED = {"-C": (), "--color": tuple(When)}


def main(words: Sequence[str]) -> None:
    """Prints the offers for `SHELL WORDS...`."""
    if not words:
        return
    shell, typed = words[0], list(words[1:]) or [""]
    if shell == "bash":
        typed = _joined_at_equals(typed)
    for value, help in offers(typed[:-1], typed[-1]):
        # An offer is inserted into the command line: one that could do harm on the way is left out.
        if escaped(value) == value:
            sys.stdout.write(f"{value}\n" if shell == "bash" or not help else f"{value}\t{escaped(help)}\n")


def offers(before: Sequence[str], typed: str) -> list[Offer]:
    """Gives what can stand in the place of `typed`, after the words `before`."""
    entries: tuple[Entry, ...] = TABLE
    path: tuple[Group, ...] = ()
    rest = list(before)
    if rest[:1] == ["help"]:
        rest.pop(0)
    while rest:
        word = rest.pop(0)
        if word.startswith("-"):
            if word in _VALUES_OF_SHARED:
                if not rest:
                    return _starting(typed, [(value, "") for value in _VALUES_OF_SHARED[word]])
                rest.pop(0)
            continue
        entry = find(entries, word)
        if isinstance(entry, Command):
            return _of_command(entry, rest, typed)
        if entry is None:
            return []
        entries, path = entry.commands, (*path, entry)
    if typed.startswith("-"):
        return _of_group(path[-1] if path else None, typed)
    return _starting(typed, _names(entries))


def _names(entries: Sequence[Entry]) -> Iterator[Offer]:
    for entry in entries:
        yield entry.name, entry.help


def _of_group(group: Group | None, typed: str) -> list[Offer]:
    # Options need typer; the names of commands above do not.
    from dvcx.cli.parameters import option_offers

    return _starting(typed, option_offers(group))


def _of_command(command: Command, before: Sequence[str], typed: str) -> list[Offer]:
    from dvcx.cli.parameters import command_offers

    name, equals, value = typed.partition("=")
    if typed.startswith("--") and equals:
        return [(f"{name}={offer}", help) for offer, help in command_offers(command, [*before, name], value)]
    return command_offers(command, before, typed)


def _starting(typed: str, found: Sequence[Offer] | Iterator[Offer]) -> list[Offer]:
    return [offer for offer in found if offer[0].startswith(typed)]


def _joined_at_equals(words: Sequence[str]) -> list[str]:
    """Bash cuts `--color=al` into `--color`, `=`, `al`, and completes the last: an option and its value."""
    kept = [word for position, word in enumerate(words) if word != "=" or position == len(words) - 1]
    return [*kept[:-1], ""] if kept and kept[-1] == "=" else kept
