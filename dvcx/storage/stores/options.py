"""The options of a kind of store: what each is called, which values it takes, and which one was probably meant."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dvcx.base.errors import UsageError


class Takes(StrEnum):
    """What an option takes, in the words of messages."""

    TEXT = "a text"
    FLAG = "true or false"
    SECONDS = "a number of seconds above 0"
    NUMBER = "a whole number from 1 up"
    FILE = "the path of a file"
    FLAG_OR_FILE = "true, false or the path of a file"
    TABLE = "a table, such as {name = 1}"


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name, what it takes, what it is for in a line, and the only texts allowed if there are such."""

    name: str
    takes: Takes
    about: str
    choices: tuple[str, ...] = ()

    def checked(self, value: object, base: Path) -> object:
        """Gives `value` as the library wants it; relative paths start at `base`. Raises `UsageError`."""
        found = _converted(self.takes, value, base)
        if found is None or (self.choices and found not in self.choices):
            takes = ", ".join(self.choices) or self.takes.value
            shown = f"{value!r}" if isinstance(value, bool | int | float) else "that"
            raise UsageError(f"the option {self.name} of a remote cannot be {shown}", f"it takes {takes}")
        return found


TIMEOUT = Option("timeout", Takes.SECONDS, "how long to wait for an answer before trying again; 60 if not set")
"""An option of every kind of store."""


def checked_options(
    options: Mapping[str, object], known: Sequence[Option], kind: str, base: Path = Path()
) -> dict[str, object]:
    """Gives the options of a remote that is a `kind`, each checked. Raises `UsageError`, naming what was meant."""
    by_name = {option.name: option for option in known}
    checked = {}
    for name, value in options.items():
        if name not in by_name:
            raise unknown_option(name, list(by_name), kind)
        checked[name] = by_name[name].checked(value, base)
    return checked


def check_files(options: Mapping[str, object], known: Sequence[Option]) -> None:
    """Raises `UsageError` when a file that a checked option names is not there."""
    by_name = {option.name: option for option in known}
    for name, value in options.items():
        is_file = by_name[name].takes in (Takes.FILE, Takes.FLAG_OR_FILE) and isinstance(value, str)
        if is_file and not os.path.isfile(str(value)):
            raise UsageError(f"the file {value} of the option {name} is not there", "check its path")


def unknown_option(name: str, known: Sequence[str], kind: str) -> UsageError:
    """Gives the error that `kind` has no option `name`."""
    close = difflib.get_close_matches(name, known, 1, cutoff=0.6) or [each for each in known if name in each][:1]
    hint = f"did you mean {close[0]}?" if close else f"its options are {', '.join(known)}" if known else "it has none"
    return UsageError(f"{kind} has no option {name!r}", hint)


def _converted(takes: Takes, value: object, base: Path) -> object | None:
    """Gives the value in the type that the option takes, or None when it is of another."""
    if takes is Takes.TABLE:
        return value if isinstance(value, Mapping) else None
    if takes in (Takes.FLAG, Takes.FLAG_OR_FILE) and isinstance(value, bool):
        return value
    if takes in (Takes.FILE, Takes.FLAG_OR_FILE):
        return _path(value, base) if isinstance(value, str) and value.strip() else None
    if takes is Takes.TEXT:
        # An account called 12345 was read as a number.
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        return text if isinstance(text, str) and text.strip() and "\0" not in text else None
    if takes is Takes.SECONDS and isinstance(value, str) and re.fullmatch(r"\d{1,6}\.\d{1,6}", value):
        value = float(value)  # as it was typed; `remote modify` knows whole numbers only
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if takes is Takes.SECONDS and is_number:
        return float(value) if 0 < value < 1e6 else None  # type: ignore[arg-type,operator]
    if takes is Takes.NUMBER and is_number and isinstance(value, int):
        return value if 0 < value < 1_000_000 else None
    return None


def _path(text: str, base: Path) -> str:
    return str(base / os.path.expanduser(text))
