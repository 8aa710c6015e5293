"""Options that several commands have, declared once: the same name, letter and meaning everywhere."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Annotated

import typer

from dvcx import __version__
from dvcx.cli.names import remote_names, revision_names, tracked_paths
from dvcx.cli.settings import When

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TARGETS", autocompletion=tracked_paths, help="tracked paths, or paths inside them; else all"
    ),
]
TrackedPath = Annotated[
    str | None,
    typer.Argument(
        metavar="PATH", autocompletion=tracked_paths, help="tracked data, or a path inside it; else the current folder"
    ),
]
Paths = Annotated[list[str], typer.Argument(metavar="PATHS", help="files and folders")]
Glob = Annotated[bool, typer.Option("--glob", help="take the targets as patterns: *, ?, [a-z], **")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="show what would be done and change nothing")]
Force = Annotated[bool, typer.Option("--force", "-f", help="replace what nobody saved; `dvcx undo` brings it back")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="answer yes to every question")]
Recursive = Annotated[bool, typer.Option("--recursive", "-R", help="go into folders")]
Revision = Annotated[
    str | None,
    typer.Option(
        "--rev", metavar="REV", autocompletion=revision_names, help="a Git revision: a tag, a branch, a commit"
    ),
]
RemoteName = Annotated[
    str | None,
    typer.Option("--remote", "-r", metavar="NAME", autocompletion=remote_names, help="a remote; else the default one"),
]
OtherStore = Annotated[
    str | None,
    typer.Option(
        "--remote", "-r", metavar="NAME", autocompletion=remote_names, help="work on this remote; else on the cache"
    ),
]
ComparedRemote = Annotated[
    str | None,
    typer.Option(
        "--remote", "-r", metavar="NAME", autocompletion=remote_names, help="show also what this remote lacks"
    ),
]
ListingRemote = Annotated[
    str | None,
    typer.Option(
        "--remote",
        "-r",
        metavar="NAME",
        autocompletion=remote_names,
        help="read the listings of folders that were never fetched from this remote",
    ),
]
KnownRemote = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=remote_names, help="the remote, as `dvcx remote list` shows it")
]
Source = Annotated[
    str, typer.Argument(metavar="REPO", help="a folder with a project, or the address of a Git repository")
]
ForeignPath = Annotated[str, typer.Argument(metavar="PATH", help="tracked data there, or a path inside it")]
ForeignRevision = Annotated[
    str | None, typer.Option("--rev", metavar="REV", help="a tag, branch or commit of that repository; else its HEAD")
]
ForeignRemote = Annotated[
    str | None, typer.Option("--remote", "-r", metavar="NAME", help="a remote of that project; else its default one")
]
NoDownload = Annotated[bool, typer.Option("--no-download", help="write the pointer only; `dvcx update` gets the data")]
Desc = Annotated[str | None, typer.Option("--desc", metavar="TEXT", help="a note that the pointer keeps")]
Url = Annotated[str, typer.Argument(metavar="URL", help="a URL, a path, or remote://NAME/path")]
GlobalLevel = Annotated[bool, typer.Option("--global", help="your own configuration, for all projects")]
ProjectLevel = Annotated[bool, typer.Option("--project", help="the project's configuration, which Git tracks")]
LocalLevel = Annotated[bool, typer.Option("--local", help="this working tree's configuration, not tracked: secrets")]
TransferPlan = Annotated[
    bool,
    typer.Option("--dry-run", "--plan", "-n", help="show what would be done, and its cost on the large clouds"),
]
LimitRate = Annotated[
    str | None, typer.Option("--limit-rate", metavar="RATE", help="at most so many bytes a second: 500k, 10M")
]
MaxSize = Annotated[
    str | None, typer.Option("--max-size", metavar="SIZE", help="leave out files larger than this: 500k, 10M, 2GB")
]
TransferRevisions = Annotated[
    list[str] | None,
    typer.Option("--rev", metavar="REV", autocompletion=revision_names, help="the data of a revision; can be repeated"),
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, metavar="N", help="how many transfers at once")]
AllBranches = Annotated[bool, typer.Option("--all-branches", "-a", help="the data of every branch")]
AllTags = Annotated[bool, typer.Option("--all-tags", "-T", help="the data of every tag")]
AllCommits = Annotated[bool, typer.Option("--all-commits", "-A", help="the data of every commit")]

RunCacheToo = Annotated[
    bool, typer.Option("--run-cache", help="also runs of stages, with what they made, so that nothing runs twice")
]
DiffOld = Annotated[
    str | None, typer.Argument(metavar="A", autocompletion=revision_names, help="a Git revision; else HEAD")
]
DiffNew = Annotated[
    str | None, typer.Argument(metavar="B", autocompletion=revision_names, help="a Git revision; else the workspace")
]
DiffTargets = Annotated[
    list[str] | None, typer.Option("--targets", metavar="PATH", help="only this file; may be repeated")
]
EqualToo = Annotated[bool, typer.Option("--all", help="list what is equal, too")]
Markdown = Annotated[bool, typer.Option("--md", help="print a Markdown table")]
NoPath = Annotated[bool, typer.Option("--no-path", help="leave the files' paths out")]
Precision = Annotated[int, typer.Option("--precision", min=0, metavar="N", help="digits after the point")]

# The names of the shared parameters start with this, so that a command's own never meet them.
PREFIX = "shared_"


def shared(
    shared_json: Annotated[bool, typer.Option("--json", help="print the result as one JSON document")] = False,
    shared_quiet: Annotated[bool, typer.Option("--quiet", "-q", help="say nothing but errors and warnings")] = False,
    shared_verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="say more; -vv for fault finding")
    ] = 0,
    shared_directory: Annotated[
        list[str] | None, typer.Option("-C", metavar="DIR", help="run as if started in this folder")
    ] = None,
    shared_colour: Annotated[
        When | None, typer.Option("--color", metavar="WHEN", help="colours: auto, always or never; NO_COLOR counts too")
    ] = None,
) -> Mapping[str, object]:
    """Declares the options that every command, every group and `dvcx` itself have."""
    raise NotImplementedError("only its signature is used")


def _print_version(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        typer.echo(f"dvcx {__version__}")
        raise typer.Exit


def version_parameter() -> inspect.Parameter:
    """Gives the option `--version` of `dvcx` itself, for when it is not the only word."""
    option = typer.Option("--version", "-V", is_eager=True, callback=_print_version, help="print the version of dvcx")
    return inspect.Parameter(
        "version", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, option]
    )


def shared_parameters(*, json: bool) -> list[inspect.Parameter]:
    """Gives the shared options as parameters by name; `--json` only where there is a result."""
    parameters = inspect.signature(shared, eval_str=True).parameters.values()
    return [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in parameters
        if json or parameter.name != "shared_json"
    ]


def split(values: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Splits parsed values into the shared ones (without their prefix) and the command's own."""
    common = {name.removeprefix(PREFIX): value for name, value in values.items() if name.startswith(PREFIX)}
    own = {name: value for name, value in values.items() if not name.startswith(PREFIX)}
    return common, own
