"""The help of a command: what there is to say, and its layout on a terminal. The reference uses the first too."""

from __future__ import annotations

import inspect
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from dvcx.cli.options import PREFIX
from dvcx.cli.table import Command, Entry, Panel

Row = tuple[str, str]

_TYPE_NAMES = {"int": "N", "int range": "N", "float": "NUMBER", "float range": "NUMBER", "str": "TEXT"}


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """Everything the help of one command says."""

    usage: str
    description: str
    arguments: tuple[Row, ...]
    options: tuple[Row, ...]
    shared: tuple[Row, ...]
    examples: tuple[str, ...]


def described(command: TyperCommand | TyperGroup, path: str) -> CommandHelp:
    """Gives what there is to say about the command that is typed as `path`, such as `dvcx remote add`."""
    context = typer.Context(command, info_name=path, help_option_names=["-h", "--help"])
    params = command.get_params(context)
    arguments = [param for param in params if isinstance(param, TyperArgument) and not param.hidden]
    options = [param for param in params if isinstance(param, TyperOption) and not param.hidden]
    below = ["COMMAND ..."] if isinstance(command, TyperGroup) else []
    usage = " ".join([path, *(["[OPTIONS]"] if options else []), *map(_argument_usage, arguments), *below])
    return CommandHelp(
        usage=usage,
        description=command.help or "",
        arguments=tuple((_argument_name(argument), argument.help or "") for argument in arguments),
        options=tuple(_option_row(option) for option in options if not _is_shared(option)),
        shared=tuple(_option_row(option) for option in options if _is_shared(option)),
        examples=tuple((command.epilog or "").splitlines()),
    )


def split_docstring(text: str | None) -> tuple[str, str]:
    """Splits a module's docstring at its line `Examples:` into the description and the examples, both dedented."""
    lines = inspect.cleandoc(text or "").splitlines()
    if "Examples:" not in lines:
        return "\n".join(lines).strip(), ""
    at = lines.index("Examples:")
    return "\n".join(lines[:at]).strip(), textwrap.dedent("\n".join(lines[at + 1 :])).strip("\n")


def command_page(help: CommandHelp, columns: int | None = None) -> str:
    """Lays out the help of a command for a terminal of `columns` (None: this one's)."""
    wide = columns or _columns()
    parts = [_wrapped(f"Usage: {help.usage}", wide, "    "), _paragraphs(help.description, wide)]
    for heading, rows in (("Arguments", help.arguments), ("Options", help.options), ("Common options", help.shared)):
        if rows:
            parts.append(f"{heading}:\n{_rows(rows, wide)}")
    if help.examples:
        parts.append("Examples:\n" + "\n".join(f"  {line}".rstrip() for line in help.examples))
    return "\n\n".join(part for part in parts if part)


def group_page(help: CommandHelp, entries: Sequence[Entry], columns: int | None = None) -> str:
    """Lays out the help of a group: its commands, from the table alone, under their headings."""
    wide = columns or _columns()
    names = max(len(_name(entry)) for entry in entries)
    parts = [f"Usage: {help.usage}", _paragraphs(help.description, wide)]
    for heading, listed in _headings(entries):
        parts.append(f"{heading}:\n{_rows([(_name(entry), entry.help) for entry in listed], wide, names)}")
    parts.append(f"Options:\n{_rows((*help.options, *help.shared), wide)}")
    below = help.usage.removesuffix(" [OPTIONS] COMMAND ...")
    parts.append(f"`{below} COMMAND --help` explains a command, with examples.")
    return "\n\n".join(part for part in parts if part)


def _headings(entries: Sequence[Entry]) -> Iterable[tuple[str, list[Entry]]]:
    if any(isinstance(entry, Command) and len(entry.path) > 1 for entry in entries):
        return [("Commands", list(entries))]
    found = ((str(panel), [entry for entry in entries if entry.panel is panel]) for panel in Panel)
    return [(heading, listed) for heading, listed in found if listed]


def _name(entry: Entry) -> str:
    return ", ".join((entry.name, *entry.aliases))


def _is_shared(option: TyperOption) -> bool:
    name = option.name or ""
    return name == "help" or (name.startswith(PREFIX) and name != f"{PREFIX}json")


def _argument_name(argument: TyperArgument) -> str:
    name = argument.metavar or (argument.name or "").upper()
    return name if argument.nargs == 1 or name.endswith("...") else f"{name}..."


def _argument_usage(argument: TyperArgument) -> str:
    name = _argument_name(argument)
    return name if argument.required else f"[{name}]"


def _option_row(option: TyperOption) -> Row:
    # Short names first, and the long ones of all options under each other.
    short = [name for name in option.opts if not name.startswith("--")]
    long = [name for name in option.opts if name.startswith("--")]
    names = ", ".join([*short, *long]) if short else "    " + ", ".join(long)
    if option.secondary_opts:
        names += " / " + ", ".join(option.secondary_opts)
    if not (option.is_flag or option.count):
        names += " " + _value_name(option)
    text = option_help(option)
    takes_value = not (option.is_flag or option.count or option.multiple)
    if takes_value and option.show_default and option.default not in (None, ""):
        text += f" (default: {option.default})"
    if option.required:
        text += " (required)"
    return names, text


def option_help(option: TyperOption) -> str:
    """Gives the one line that an option has for help."""
    return "show this help" if option.name == "help" else option.help or ""


def _value_name(option: TyperOption) -> str:
    choices = getattr(option.type, "choices", None)
    return option.metavar or ("|".join(map(str, choices)) if choices else _TYPE_NAMES.get(option.type.name, "VALUE"))


def _columns() -> int:
    return max(60, min(100, shutil.get_terminal_size().columns))


def _rows(rows: Iterable[Row], wide: int, names: int | None = None) -> str:
    listed = list(rows)
    first = min(names or max(len(name) for name, _ in listed), 32)
    lines = []
    for name, text in listed:
        wrapped = textwrap.wrap(text, wide - first - 4) or [""]
        if len(name) > first:
            lines.append(f"  {name}")
        else:
            lines.append(f"  {name:{first}}  {wrapped.pop(0)}".rstrip())
        lines.extend(" " * (first + 4) + line for line in wrapped)
    return "\n".join(lines)


def _paragraphs(text: str, wide: int) -> str:
    # Indented lines (lists, samples) keep their breaks.
    parts = []
    for paragraph in text.split("\n\n"):
        keeps = any(line.startswith((" ", "- ", "* ")) for line in paragraph.splitlines())
        parts.append(paragraph if keeps else _wrapped(paragraph, wide))
    return "\n\n".join(parts)


def _wrapped(text: str, wide: int, indent: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()), wide, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
