"""What a command's own declaration offers for completion: its options and their values."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from dvcx.cli.group import load, root
from dvcx.cli.help import option_help
from dvcx.cli.table import Command, Group

Offer = tuple[str, str]


def option_offers(group: Group | None) -> list[Offer]:
    """Gives the options of a group, or of `dvcx` itself (None)."""
    return _options(root() if group is None else load(group), ())


def command_offers(entry: Command, before: Sequence[str], typed: str) -> list[Offer]:
    """Gives what can stand in the place of `typed` after the words `before` of a command."""
    command = load(entry)
    assert isinstance(command, TyperCommand)
    context = typer.Context(command, info_name=entry.name, resilient_parsing=True, help_option_names=["-h", "--help"])
    options = [param for param in command.get_params(context) if isinstance(param, TyperOption)]
    ended = "--" in before
    last = before[-1] if before and not ended else ""
    asked = next((option for option in options if last in (*option.opts, *option.secondary_opts)), None)
    if asked is not None and not (asked.is_flag or asked.count):
        return _values(asked, context, typed)
    if typed.startswith("-") and not ended:
        return [offer for offer in _options(command, before) if offer[0].startswith(typed)]
    arguments = [param for param in command.params if isinstance(param, TyperArgument)]
    place = _place(before, options)
    if not arguments or (place >= len(arguments) and arguments[-1].nargs != -1):
        return []
    return _values(arguments[min(place, len(arguments) - 1)], context, typed)


def _values(parameter: TyperOption | TyperArgument, context: typer.Context, typed: str) -> list[Offer]:
    return [(item.value, item.help or "") for item in parameter.shell_complete(context, typed) if item.type == "plain"]


def _options(command: TyperCommand | TyperGroup, before: Sequence[str]) -> list[Offer]:
    context = typer.Context(command, resilient_parsing=True, help_option_names=["-h", "--help"])
    offers: list[Offer] = []
    for option in command.get_params(context):
        names = (*option.opts, *option.secondary_opts)
        given = not getattr(option, "multiple", False) and not getattr(option, "count", False)
        if not isinstance(option, TyperOption) or option.hidden or (given and any(name in before for name in names)):
            continue
        offers.extend((name, option_help(option)) for name in names if name.startswith("--") or len(option.opts) == 1)
    return offers


def _place(before: Sequence[str], options: Sequence[TyperOption]) -> int:
    """Counts the positional words among `before`."""
    takes_value = {name for option in options if not (option.is_flag or option.count) for name in option.opts}
    count, skip, ended = 0, False, False
    for word in before:
        if skip:
            skip = False
        elif word == "--" and not ended:
            ended = True
        elif word.startswith("-") and len(word) > 1 and not ended:
            skip = word in takes_value
        else:
            count += 1
    return count
