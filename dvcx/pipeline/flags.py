"""Mappings as command-line flags: `{lr: 0.1, model: {depth: 3}}` reads `--lr 0.1 --model.depth 3`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class FlagStyle:
    """How dictionaries become command-line flags: the settings `parsing.bool` and `parsing.list`."""

    bool: Literal["store_true", "boolean_optional"] = "store_true"
    list: Literal["nargs", "append"] = "nargs"


def as_flags(values: Mapping[str, Any], style: FlagStyle) -> str:
    """Gives `values` as flags, with dots between the names of nested ones; texts are quoted for the shell.

    True is a flag alone; false is none, or `--no-NAME`. Raises `ValueError` for a list inside a list.
    """
    words: list[str] = []
    for name, value in _leaves(values, ""):
        if isinstance(value, bool):
            if value:
                words.append(f"--{name}")
            elif style.bool == "boolean_optional":
                words.append(f"--no-{name}")
        elif isinstance(value, list | tuple):
            parts = [_word(part, name) for part in value]
            if style.list == "append":
                words += [f"--{name} {part}" for part in parts]
            elif parts:
                words.append(f"--{name} {' '.join(parts)}")
        else:
            words.append(f"--{name} {_word(value, name)}")
    return " ".join(words)


def _word(value: Any, name: str) -> str:
    if isinstance(value, list | tuple | Mapping):
        raise ValueError(f"{name} is a list with more than single values in it")
    return shlex.quote(value) if isinstance(value, str) else str(value)


def _leaves(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping):
            yield from _leaves(value, name)
        else:
            yield name, value
