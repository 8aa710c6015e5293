"""Write a description, labels and facts on the pointer of tracked data, or show what is there.

They stand in the pointer file, go into Git with it, and stay when the data changes. A value of --meta that is JSON (a
number, true, a list) is stored as that, anything else as text. `dvcx undo` takes a change back.

Examples:
    dvcx note data
    dvcx note data --desc "500 owls, by hand" --label reviewed
    dvcx note model.pt --meta accuracy=0.93 --meta task=owls
    dvcx note model.pt --unlabel reviewed --unset task
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import tracked_paths
from dvcx.cli.options import Desc
from dvcx.cli.render.steps import then_git_add
from dvcx.operations.note import NoteEdit, Notes, note
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    path: Annotated[str, typer.Argument(metavar="PATH", autocompletion=tracked_paths, help="tracked data")],
    desc: Desc = None,
    label: Annotated[list[str] | None, typer.Option("--label", metavar="LABEL", help="add a label")] = None,
    unlabel: Annotated[list[str] | None, typer.Option("--unlabel", metavar="LABEL", help="remove a label")] = None,
    meta: Annotated[list[str] | None, typer.Option("--meta", metavar="NAME=VALUE", help="set a fact")] = None,
    unset: Annotated[list[str] | None, typer.Option("--unset", metavar="NAME", help="remove a fact")] = None,
) -> Outcome:
    repo = call.repo()
    edit = NoteEdit(desc, tuple(label or ()), tuple(unlabel or ()), dict(map(_fact, meta or ())), tuple(unset or ()))
    return Outcome(note(repo, project_path(repo, path, call.directory), edit), render=then_git_add(repo, render))


def render(result: Notes, console: Console) -> None:
    rows = [("desc", result.desc)] if result.desc else []
    rows += [("labels", ", ".join(result.labels))] if result.labels else []
    rows += [(f"meta.{name}", _text(value)) for name, value in result.meta.items()]
    rows += [(f"source.{name}", _text(value)) for name, value in (result.source or {}).items()]
    rows += [("frozen", "true")] if result.frozen else []
    console.table([(name, value or "") for name, value in rows])
    if not rows:
        console.say("no notes stand on ", result.path)


def _fact(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"{text!r} is not NAME=VALUE", "for example `--meta accuracy=0.93`")
    try:
        parsed: object = json.loads(value, parse_constant=lambda word: word)
    except ValueError:
        parsed = value
    return name, parsed


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
