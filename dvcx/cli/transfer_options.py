"""The options that push, fetch and pull share, as the operations take them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dvcx.base.errors import UsageError
from dvcx.cli.amounts import parse_bytes, parse_rate
from dvcx.operations.selection import Revisions
from dvcx.operations.transfer import TransferOptions
from dvcx.repo.open import project_path
from dvcx.repo.record import Repo


def transfer_options(
    remote: str | None,
    jobs: int | None,
    revisions: Revisions,
    amounts: tuple[str | None, str | None],
    *,
    glob: bool,
    dry_run: bool,
    run_cache: bool = False,
) -> TransferOptions:
    """Gives the options; `amounts` are --limit-rate and --max-size.

    Raises `UsageError` for --glob with revisions: patterns are matched in the workspace's pointers.
    """
    if glob and revisions.any:
        raise UsageError("--glob looks at the current pointers only", "leave --glob or the revisions away")
    rate, max_size = amounts
    return TransferOptions(remote, jobs, revisions, glob, dry_run, parse_rate(rate), parse_bytes(max_size), run_cache)


def transfer_paths(repo: Repo, targets: Sequence[str] | None, directory: Path, *, glob: bool) -> list[str]:
    """Gives targets as project paths; patterns are put behind the current folder's own path."""
    return [project_path(repo, target, directory) for target in targets or ()]
