"""Tell which of the cache and the remotes hold the data of tracked paths.

Every remote is asked; nothing is transferred but listings of folders that were never fetched. Data that is nowhere ends
with exit code 4. With --rev the data of those revisions is meant.

Examples:
    dvcx whereis
    dvcx whereis data/train
    dvcx whereis --rev v1 --json
"""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.options import Targets, TransferRevisions
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.text import Piece, dim, green, red, yellow
from dvcx.operations.selection import Revisions
from dvcx.operations.whereis import Holding, WhereisResult, whereis
from dvcx.repo.open import project_path


def command(call: Invocation, targets: Targets = None, rev: TransferRevisions = None) -> Outcome:
    repo = call.repo()
    paths = [project_path(repo, target, call.directory) for target in targets or ()]
    result = whereis(repo, paths, Revisions(names=tuple(rev or ())))
    return Outcome(result, error=result.problem())


def render(result: WhereisResult, console: Console) -> None:
    for place in result.places:
        console.line(place.path, dim(f"  {count_text(place.objects, 'object')}, {size_text(place.size)}"))
        width = max(len(each.store) for each in place.holdings)
        for each in place.holdings:
            console.line(f"  {each.store:<{width}}  ", *_state(each, place.objects))


def _state(each: Holding, objects: int) -> tuple[Piece, ...]:
    if each.state == "all":
        return (green("all"),)
    if each.state == "unknown":
        return (red("not asked"), dim(f"  {each.reason}"))
    if each.state == "none":
        return (yellow("nothing"),)
    missing = f"{', '.join(each.missing[:3])}{' and more' if len(each.missing) > 3 else ''}"
    return (yellow(f"{each.objects:,} of {objects:,}"), dim(f"  without {missing}"))
