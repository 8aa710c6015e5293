"""Show what dvcx runs on and what works here: for finding faults, and ready to paste into a report.

Versions, file systems, which kinds of links work from the cache into the workspace (they are tried), the cache, and
whether each remote answers. There are no passwords in it, but paths and names. It works outside of projects too.

Examples:
    dvcx doctor
    dvcx doctor --json > report.json
"""

from __future__ import annotations

from dvcx.base.errors import DvcxError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.render.doctor import render_report
from dvcx.operations.doctor import Report, doctor


def command(call: Invocation) -> Report:
    try:
        repo = call.repo_if_any()
    except DvcxError as error:
        return doctor(call.directory, None, error)
    return doctor(call.directory, repo)


def render(result: Report, console: Console) -> None:
    render_report(result, console)
