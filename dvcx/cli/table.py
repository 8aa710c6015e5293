"""The table of commands: what `dvcx --help` lists, and which module is loaded when a command is typed.

Adding a command is one line here and one module `dvcx/cli/commands/<name>.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Panel(StrEnum):
    """The headings of `dvcx --help`, in their order."""

    TRACK = "Track data"
    LOOK = "Look"
    RUN = "Run pipelines"
    SHARE = "Share"
    KEEP = "Keep in order"


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `path` is what is typed after `dvcx`, `help` one line without a full stop."""

    path: tuple[str, ...]
    help: str
    panel: Panel
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last word of what is typed."""
        return self.path[-1]

    @property
    def module(self) -> str:
        """The module that has it: `remote add` is in `dvcx.cli.commands.remote_add`."""
        return "dvcx.cli.commands." + "_".join(self.path).replace("-", "_")


@dataclass(frozen=True, slots=True)
class Group:
    """A word with commands of its own below it, such as `remote`."""

    path: tuple[str, ...]
    help: str
    panel: Panel
    commands: tuple[Entry, ...]
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The word that is typed."""
        return self.path[-1]


Entry = Command | Group


def _command(words: str, panel: Panel, help: str, *aliases: str) -> Command:
    return Command(tuple(words.split()), help, panel, aliases)


def _group(words: str, panel: Panel, help: str, *lines: tuple[str, ...] | Group) -> Group:
    """A line of a group is a name, its help, and other names for it."""
    path = tuple(words.split())
    below = tuple(
        line if isinstance(line, Group) else Command((*path, line[0]), line[1], panel, line[2:]) for line in lines
    )
    return Group(path, help, panel, below)


TABLE: tuple[Entry, ...] = (
    _command("init", Panel.TRACK, "make a Git repository a dvcx project"),
    _command("add", Panel.TRACK, "track files and folders"),
    _command("checkout", Panel.TRACK, "make the workspace what the pointers say"),
    _command("commit", Panel.TRACK, "store what the workspace has for tracked data"),
    _command("move", Panel.TRACK, "rename or move tracked data", "mv"),
    _command("remove", Panel.TRACK, "stop tracking data", "rm"),
    _command("resolve", Panel.TRACK, "decide what a merge left in conflict"),
    _command("note", Panel.TRACK, "write a description, labels and facts on a pointer"),
    _command("unprotect", Panel.TRACK, "make links into the cache own copies"),
    _command("freeze", Panel.TRACK, "guard tracked data against changes by accident"),
    _command("unfreeze", Panel.TRACK, "let frozen data change again"),
    _command("status", Panel.LOOK, "show what differs from the pointers"),
    _command("diff", Panel.LOOK, "show what differs between two revisions, or since one"),
    _command("ls", Panel.LOOK, "list what is tracked and what tracked folders hold", "list"),
    _command("du", Panel.LOOK, "show how large tracked data is"),
    _command("log", Panel.LOOK, "show the commits that changed tracked data"),
    _command("blame", Panel.LOOK, "show who last changed each file of tracked data"),
    _command("check-ignore", Panel.LOOK, "tell which paths .dvcxignore leaves out"),
    _command("root", Panel.LOOK, "print the folder of the project"),
    _command("repro", Panel.RUN, "bring the outputs of stages up to date"),
    _command("why", Panel.RUN, "tell what makes a stage stale, and which commit brought that"),
    _command("dag", Panel.RUN, "draw what depends on what"),
    _group(
        "stage",
        Panel.RUN,
        "look at stages and their runs, and edit dvcx.yaml",
        ("list", "list the stages", "ls"),
        ("show", "show a stage with all templates filled in"),
        ("add", "write a stage into dvcx.yaml"),
        ("rm", "take stages out of dvcx.yaml", "remove"),
        ("log", "show the runs of a stage, and what it wrote"),
        ("trace", "run a command, see what it reads and writes, propose a stage"),
    ),
    _group(
        "metrics",
        Panel.RUN,
        "show and compare metrics",
        ("show", "show the metrics of the workspace and of revisions"),
        ("diff", "show which metrics differ between two revisions"),
    ),
    _group("params", Panel.RUN, "compare parameters", ("diff", "show which parameters differ between two revisions")),
    _command("push", Panel.SHARE, "send the data that a remote lacks"),
    _command("pull", Panel.SHARE, "fetch data and put it into the workspace"),
    _command("fetch", Panel.SHARE, "take data from a remote into the cache"),
    _command("export", Panel.SHARE, "write plain files for people without dvcx"),
    _command("whereis", Panel.SHARE, "tell which remotes hold the data of tracked paths"),
    _command("install", Panel.SHARE, "install Git hooks that keep data and commits together"),
    _command("guard", Panel.KEEP, "keep large and binary files out of Git"),
    _command("verify", Panel.KEEP, "check the files of dvcx that Git tracks"),
    _command("get", Panel.SHARE, "write data of another project here, tracking nothing"),
    _command("mount", Panel.SHARE, "show the data of a revision as a folder, by FUSE"),
    _command("get-url", Panel.SHARE, "download a file or folder, tracking nothing"),
    _command("import", Panel.SHARE, "track data of another project"),
    _command("import-url", Panel.SHARE, "download a file or folder and track it"),
    _command("update", Panel.SHARE, "bring imported data to what its source has now"),
    _command("ls-url", Panel.SHARE, "list what is at a URL", "list-url"),
    _command("gc", Panel.KEEP, "take out of the cache or a remote what nothing needs"),
    _command("fsck", Panel.KEEP, "check every byte of the cache or a remote, and mend it"),
    _command("undo", Panel.KEEP, "take back what a command replaced or removed"),
    _group(
        "remote",
        Panel.SHARE,
        "set up where data is shared",
        ("add", "set up a remote"),
        ("modify", "change an option of a remote"),
        ("list", "list the remotes", "ls"),
        ("check", "try out whether a remote works, and say what is wrong"),
        ("remove", "take a remote out of the configuration", "rm"),
        ("rename", "rename a remote"),
        ("default", "show or choose the default remote"),
        _group(
            "remote keys",
            Panel.SHARE,
            "say who can read an encrypted remote",
            ("generate", "make a private key of your own"),
            ("add", "let somebody read a remote, or begin to encrypt it"),
            ("list", "list who can read a remote"),
            ("remove", "take a person out of what is written from now on"),
            ("rotate", "encrypt everything on a remote under a new key"),
        ),
    ),
    _group(
        "cache",
        Panel.KEEP,
        "look at the cache, or put it elsewhere",
        ("dir", "show or choose the folder of the cache"),
        ("info", "show what the cache holds and how much space that takes"),
        ("users", "list the projects that use the cache"),
        ("forget", "have the cache forget a project that is gone"),
    ),
    _command("config", Panel.KEEP, "read and change settings"),
    _command("doctor", Panel.KEEP, "show what dvcx runs on and what works here"),
    _command("completion", Panel.KEEP, "print the completion script of a shell: bash, zsh or fish"),
    _command("version", Panel.KEEP, "print the version of dvcx"),
)


def find(entries: tuple[Entry, ...], word: str) -> Entry | None:
    """Gives the entry whose name or alias is `word`."""
    return next((entry for entry in entries if word == entry.name or word in entry.aliases), None)


def every_command(entries: tuple[Entry, ...] = TABLE) -> Iterator[Command]:
    """Gives every command, those inside groups too, in the order of the table."""
    for entry in entries:
        if isinstance(entry, Group):
            yield from every_command(entry.commands)
        else:
            yield entry
