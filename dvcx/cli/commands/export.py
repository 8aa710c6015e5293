"""Write the data of a revision as plain files under their own names, for people without dvcx.

URL is a folder, an address that fsspec knows, or remote://NAME/PATH for a place below one of the project's remotes. A
small file there, .dvcx-export.json, says what was exported, so that the next export writes only what changed. Files
that no export wrote are never touched. Data that is not in the cache is fetched first.

Examples:
    dvcx export v1.0 /mnt/share/owls
    dvcx export main s3://bucket/public --delete      # what is no more in main goes there too
    dvcx export HEAD remote://store/latest --targets data/test
    dvcx export v1.0 /mnt/share/owls --dry-run
"""

from __future__ import annotations

from typing import Annotated

import typer

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.names import revision_names, tracked_paths
from dvcx.cli.options import DryRun, Jobs, RemoteName
from dvcx.cli.render.export import render_export
from dvcx.operations.export import ExportOptions, ExportResult, export
from dvcx.repo.open import project_path


def command(
    call: Invocation,
    revision: Annotated[
        str, typer.Argument(metavar="REV", autocompletion=revision_names, help="a Git revision: a tag, a branch")
    ],
    url: Annotated[str, typer.Argument(metavar="URL", help="a folder or a URL")],
    targets: Annotated[
        list[str] | None,
        typer.Option("--targets", metavar="PATH", autocompletion=tracked_paths, help="only this; may be repeated"),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="remove files of older exports that the revision does not have")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="read all exported files there, and write those that are wrong anew")
    ] = False,
    remote: RemoteName = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
) -> Outcome:
    repo = call.repo()
    paths = [project_path(repo, target, call.directory) for target in targets or ()]
    options = ExportOptions(remote, delete, verify, dry_run, jobs or 8)
    result = export(repo, revision, url, call.directory, paths, options, call.progress)
    return Outcome(result, error=result.problem())


def render(result: ExportResult, console: Console) -> None:
    render_export(result, console)
