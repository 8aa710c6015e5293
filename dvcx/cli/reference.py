"""Writes the reference pages of the documentation, and the manual page, from the commands themselves.

`python -m dvcx.cli.reference --write` writes `docs/reference/commands.md`, `exit-codes.md` and `docs/man/` in the
current folder; `--check` only tells whether they are current, by the exit code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from dvcx.cli.exits import FAMILIES
from dvcx.cli.group import load, root
from dvcx.cli.help import CommandHelp, Row, described
from dvcx.cli.manual import OTHER_NAME, manual_page
from dvcx.cli.table import TABLE, Entry, Panel, every_command

_FOLDER = Path("docs")
_NOTE = "<!-- Written by `python -m dvcx.cli.reference --write`: change the command, not this page. -->"
_EXIT_CODES_INTRODUCTION = """\
Scripts can rely on these. With `--json` an error is one line on stderr, in which `kind` says the same as the code:

```json
{"error":{"code":4,"kind":"missing-data","message":"...","hint":"...","names":["data/a.png"]}}
```"""


def main(words: Sequence[str]) -> int:
    """Writes or checks the pages; gives 0, 1 when a page is not current, 2 for other words."""
    if list(words) not in (["--write"], ["--check"]):
        print("usage: python -m dvcx.cli.reference --write | --check", file=sys.stderr)
        return 2
    stale = [name for name, text in pages().items() if not _is_current(_FOLDER / name, text)]
    if words[0] == "--check":
        for name in stale:
            print(f"{_FOLDER / name} is not current: run `python -m dvcx.cli.reference --write`", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (_FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (_FOLDER / name).write_text(pages()[name], encoding="utf-8")
    return 0


def pages() -> dict[str, str]:
    """Gives the text of every page by its path in the documentation."""
    return {
        "reference/commands.md": commands_page(TABLE),
        "reference/exit-codes.md": exit_codes_page(),
        "man/man1/git-dvcx.1": manual_page(TABLE),
        "man/man1/dvcx.1": OTHER_NAME,
    }


def commands_page(entries: Sequence[Entry]) -> str:
    """Gives the page of all commands of the table `entries`."""
    whole = described(root(), "dvcx")
    lines = [_NOTE, "", "# Commands", "", "```", f"{whole.usage}", "```", ""]
    for panel in Panel:
        listed = [entry for entry in entries if entry.panel is panel]
        if listed:
            lines += [f"## {panel}", "", *_listing(listed), ""]
    lines += ["## Options of every command", "", "They may stand before the command or after it.", ""]
    lines += [*_rows("option", whole.shared), ""]
    lines += [
        "`--json`, where a command has it, prints its result as one JSON document, and an error as one on stderr.",
        "",
    ]
    for command in sorted(every_command(tuple(entries)), key=lambda command: list(Panel).index(command.panel)):
        path = " ".join(("dvcx", *command.path))
        lines += _section(described(load(command), path), path, command.aliases)
    return "\n".join(lines).rstrip() + "\n"


def exit_codes_page() -> str:
    """Gives the page of the exit codes."""
    lines = [_NOTE, "", "# Exit codes", "", *_EXIT_CODES_INTRODUCTION.splitlines(), ""]
    lines += ["| code | kind | what it means | what to do |", "| --- | --- | --- | --- |"]
    lines += [f"| {one.code} | `{one.kind}` | {_cell(one.means)} | {_cell(one.do)} |" for one in FAMILIES]
    return "\n".join(lines) + "\n"


def _listing(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        for command in every_command((entry,)):
            words = " ".join(("dvcx", *command.path))
            yield f"- [`{words}`](#{words.replace(' ', '-')}): {command.help}"


def _section(help: CommandHelp, path: str, aliases: Sequence[str]) -> Iterator[str]:
    yield from (f"## {path}", "", "```", help.usage, "```", "", help.description, "")
    if aliases:
        above = path.rpartition(" ")[0]
        yield from (f"Also: {', '.join(f'`{above} {alias}`' for alias in aliases)}.", "")
    if help.arguments:
        yield from (*_rows("argument", help.arguments), "")
    if help.options:
        yield from (*_rows("option", help.options), "")
    if help.examples:
        yield from ("```sh", *help.examples, "```", "")


def _rows(heading: str, rows: Sequence[Row]) -> Iterator[str]:
    yield from (f"| {heading} | |", "| --- | --- |")
    for name, text in rows:
        yield f"| `{_cell(name.strip())}` | {_cell(text)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
