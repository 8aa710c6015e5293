"""The command line itself: words are matched with the table, one module is loaded, its command runs."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from dvcx.base.errors import UsageError
from dvcx.base.progress import SILENT
from dvcx.cli import options
from dvcx.cli.console import Console
from dvcx.cli.exits import DONE, show, trouble_of
from dvcx.cli.help import command_page, described, group_page, split_docstring
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.progress import TerminalProgress, can_show
from dvcx.cli.settings import Settings
from dvcx.cli.table import TABLE, Command, Entry, Group, find

_ABOUT = "Keep large files and folders out of Git and every version of them in reach."
_CONTEXT = {"help_option_names": ["-h", "--help"]}


def invoke(words: Sequence[str], settings: Settings) -> int:
    """Runs the command that `words` name and gives its exit code; `settings` become what the words say.

    Raises `UsageError` for words that cannot work, and whatever the command raises.
    """
    arguments = list(words)
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    group = root()
    try:
        with group.make_context("dvcx", arguments, obj=settings) as context, _own_usage_errors(context):
            code = group.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return cast(int, code)


def root() -> LazyGroup:
    """Gives the group of all commands; none of them is loaded yet."""
    return _lazy_group("dvcx", _ABOUT, TABLE, [options.version_parameter()])


def load(entry: Entry) -> TyperCommand | TyperGroup:
    """Gives the command of a line of the table; its module is imported now."""
    if isinstance(entry, Group):
        return _lazy_group(entry.name, f"{entry.help[:1].upper()}{entry.help[1:]}.", entry.commands, [])
    module = importlib.import_module(entry.module)
    description, examples = split_docstring(module.__doc__)
    app = _typer(entry.name)
    # One that takes the words of another command lets those begin with a dash: its CONTEXT says so.
    context = {**_CONTEXT, **getattr(module, "CONTEXT", {})}
    app.command(entry.name, cls=OneCommand, help=description, epilog=examples, context_settings=context)(
        _callback(entry, module)
    )
    return cast(TyperCommand, typer.main.get_command(app))


class OneCommand(TyperCommand):
    """A command whose help is laid out by `dvcx.cli.help`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses the words after the command. Raises `UsageError`."""
        with _own_usage_errors(ctx):
            return super().parse_args(ctx, args)

    def get_help(self, ctx: Any) -> str:
        """Gives the help page."""
        return command_page(described(self, ctx.command_path))


class LazyGroup(TyperGroup):
    """A group that knows its commands from the table and loads the one that is typed."""

    entries: tuple[Entry, ...] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses the words after the group; none at all ask for its help. Raises `UsageError`."""
        with _own_usage_errors(ctx):
            return super().parse_args(ctx, args or ["--help"])

    def list_commands(self, ctx: Any) -> list[str]:
        """Gives the names of all commands."""
        return [entry.name for entry in self.entries]

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """Loads the command called `cmd_name`; None when there is none."""
        entry = find(self.entries, cmd_name)
        return None if entry is None else load(entry)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Gives name, command and the arguments left. Raises `UsageError` with what may have been meant."""
        word = args[0]
        command = self.get_command(ctx, word)
        if command is None:
            raise _no_command(ctx.command_path, word, self.entries)
        return command.name, command, args[1:]

    def get_help(self, ctx: Any) -> str:
        """Gives the help page, without loading any command."""
        return group_page(described(self, ctx.command_path), self.entries)


def _typer(name: str) -> typer.Typer:
    return typer.Typer(name=name, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _lazy_group(
    name: str, about: str, entries: tuple[Entry, ...], parameters: Sequence[inspect.Parameter]
) -> LazyGroup:
    def gather(context: typer.Context, **values: object) -> None:
        _settings(context).take(options.split(values)[0])

    app = _typer(name)
    _declare(gather, [*parameters, *options.shared_parameters(json=True)])
    app.callback(cls=LazyGroup, help=about, context_settings=_CONTEXT)(gather)
    group = cast(LazyGroup, typer.main.get_command(app))
    group.entries = entries
    return group


def _callback(entry: Command, module: ModuleType) -> Callable[..., int]:
    """Wraps `module.command`: shared options in, `Invocation` to it, its result out, an exit code back."""
    function: Callable[..., object] = module.command
    render: Callable[[Any, Console], None] | None = getattr(module, "render", None)
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]

    def run(context: typer.Context, **values: object) -> int:
        common, mine = options.split(values)
        settings = _settings(context)
        settings.take(common)
        settings.settle()
        if settings.json and render is None:
            raise UsageError(f"`{context.command_path}` has no result to print, so no --json")
        console = Console(settings, os.environ)
        with contextlib.ExitStack() as stack:
            folder = _change_folder(stack, settings.directories)
            progress = TerminalProgress(console.err) if can_show(console, os.environ) else None
            if progress is not None:
                stack.callback(progress.close)
                console.before_talk = progress.hide
            call = Invocation(console, progress or SILENT, os.environ, folder)
            result = function(call, **mine)
            if progress is not None:
                progress.close()
            return _tell(result, console, render)

    _declare(run, [*own, *options.shared_parameters(json=render is not None)])
    return run


def _declare(function: Callable[..., object], parameters: Sequence[inspect.Parameter]) -> None:
    """Gives `function`, which takes any keyword, the signature that typer is to see."""
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    function.__signature__ = inspect.Signature([context, *named])  # type: ignore[attr-defined]
    function.__annotations__ = {}


def _settings(context: typer.Context) -> Settings:
    return cast(Settings, context.find_root().obj)


def _change_folder(stack: contextlib.ExitStack, directories: Sequence[str]) -> Path:
    """Goes where -C says until `stack` is closed, and gives the folder that this is."""
    try:
        os.getcwd()
    except OSError as error:
        raise UsageError("the current folder does not exist any more", "`cd` to one that does") from error
    for directory in directories:
        try:
            stack.enter_context(contextlib.chdir(directory))
        except OSError as error:
            raise UsageError(f"cannot work in {directory!r} (-C): {os.strerror(error.errno or 0).lower()}") from error
    return Path.cwd()


def _tell(result: object, console: Console, render: Callable[[Any, Console], None] | None) -> int:
    outcome = result if isinstance(result, Outcome) else Outcome(result)
    if console.json:
        console.emit(outcome.result)
    elif outcome.render is not None:
        outcome.render(outcome.result, console)
    elif render is not None:
        render(outcome.result, console)
    if outcome.error is None:
        return outcome.code or DONE.code
    console.out.flush()  # the result stands before the error, also where both go to one file
    trouble = trouble_of(outcome.error)
    show(trouble, console)
    return trouble.family.code


def _no_command(path: str, word: str, entries: Sequence[Entry]) -> UsageError:
    names = [name for entry in entries for name in (entry.name, *entry.aliases)]
    close = difflib.get_close_matches(word, names, n=2, cutoff=0.55)
    hint = " or ".join(f"`{path} {name}`" for name in close)
    return UsageError(
        f"there is no command `{path} {word}`", f"did you mean {hint}?" if hint else f"`{path} --help` lists them all"
    )


@contextlib.contextmanager
def _own_usage_errors(context: Any) -> Iterator[None]:
    """Makes the errors of typer's parser ours: lower-case, with what to type."""
    try:
        yield
    except TyperException as error:
        raise _usage_error(error, context.command_path) from error


def _usage_error(error: TyperException, path: str) -> UsageError:
    details: Mapping[str, Any] = vars(error)
    hint = f"`{path} --help` shows what it takes"
    if "possibilities" in details:  # an unknown option
        name = str(details["option_name"])
        close = difflib.get_close_matches(name, details["possibilities"] or (), n=1)
        return UsageError(f"`{path}` has no option {name}", f"did you mean `{close[0]}`?" if close else hint)
    message = " ".join(error.format_message().split()).rstrip(".")
    return UsageError(f"{message[:1].lower()}{message[1:]}", hint)
