"""What dvcx does in Git's hooks. The scripts that call it are written by `dvcx install`, or come from pre-commit.

The pre-commit program tells its hooks in PRE_COMMIT_ variables what Git told it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dvcx.base.errors import DvcxError, MissingData, Refused, UsageError
from dvcx.base.text import counted
from dvcx.cli.console import Console
from dvcx.cli.exits import DONE, show, trouble_of
from dvcx.git.files import project_folders
from dvcx.git.location import GitLocation

if TYPE_CHECKING:
    from dvcx.repo.record import Repo

Act = Callable[["Repo", Console, Mapping[str, str]], int]
"""What a hook does in one project; gives an exit code."""

_ZERO = frozenset("0")


def run_hook(
    name: str, words: Sequence[str], git: GitLocation, console: Console, environment: Mapping[str, str]
) -> int:
    """Runs the hook called `name` with what Git gives it, in every project of the work tree; gives its exit code."""
    if environment.get("DVCX_HOOKS") == "0":
        return DONE.code
    if name.startswith("post-"):
        if environment.get("_PRE_COMMIT_SKIP_POST_CHECKOUT"):
            # The pre-commit program takes what is not staged away for a moment: the data is to stay.
            return DONE.code
        # Where Git calls us ourselves, the script has looked at that before it started Python.
        if name == "post-checkout" and not words and _is_same(git, environment):
            return DONE.code
        return _each(git, console, environment, partial(_follow, name=name, back=_way_back(name, words)))
    if name == "pre-commit":
        return _each(git, console, environment, _before_commit)
    if name in ("pre-push", "push"):
        return _before_push(name, words, git, console, environment)
    raise UsageError(f"there is no hook {name}", "run `dvcx install` again")


def _is_same(git: GitLocation, environment: Mapping[str, str]) -> bool:
    """Tells whether pre-commit's checkout went from one commit to another with the same pointers: nearly always."""
    from dvcx.operations.follow import same_pointers

    names = ("PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF", "PRE_COMMIT_CHECKOUT_TYPE")
    old, new, kind = (environment.get(each, "") for each in names)
    # `git checkout REV -- PATH` has kind 0, and a new worktree begins with zeros.
    return kind == "1" and bool(set(old) - _ZERO) and bool(new) and same_pointers(git, old, new)


def _each(git: GitLocation, console: Console, environment: Mapping[str, str], act: Act) -> int:
    """Does `act` in every project; the first exit code that is not 0 counts."""
    code = DONE.code
    for repo in _projects(git, environment):
        try:
            found = act(repo, console, environment)
        except DvcxError as error:
            found = _tell(error, console)
        code = code or found
    return code


def _projects(git: GitLocation, environment: Mapping[str, str]) -> Iterator[Repo]:
    from dvcx.repo.open import wire

    for folder in project_folders(git):
        yield wire(git.worktree / folder if folder else git.worktree, git, environment)


def _tell(error: DvcxError, console: Console) -> int:
    trouble = trouble_of(error)
    show(trouble, console)
    return trouble.family.code


def _way_back(name: str, words: Sequence[str]) -> str | None:
    """Gives the command that takes back what Git just did, where that is simple: a switch to another branch."""
    switched = name == "post-checkout" and len(words) > 2 and words[2] == "1" and bool(set(words[0]) - _ZERO)
    return "git checkout -" if switched else None


def _follow(repo: Repo, console: Console, environment: Mapping[str, str], *, name: str, back: str | None = None) -> int:
    from dvcx.operations.follow import follow
    from dvcx.operations.in_the_way import InTheWay

    # In a clone with a part of the data, commits and resets are no occasion to speak of the rest.
    done = follow(repo, tells_of_unfetched=name not in ("post-commit", "post-index-change"))
    parts = [f"{count} {what}" for count, what in ((done.restored, "restored"), (done.removed, "removed")) if count]
    if parts:
        console.say(f"dvcx: data follows: {', '.join(parts)}")
    code = DONE.code
    for problem in done.problems:
        if isinstance(problem, MissingData):
            # After a `git pull` that is how it is.
            console.warn(problem.message, "`dvcx pull` fetches it and puts it into the workspace")
            code = code or trouble_of(problem).family.code
        elif isinstance(problem, InTheWay):
            code = code or _tell(Refused(problem.message, problem.advice(back), problem.names), console)
        else:
            code = code or _tell(problem, console)
    return code


def _before_commit(repo: Repo, console: Console, environment: Mapping[str, str]) -> int:
    from dvcx.operations.guard import guard
    from dvcx.operations.status import status
    from dvcx.operations.verify import verify

    index = environment.get("GIT_INDEX_FILE")
    code = DONE.code
    checked = verify(repo)
    for path, why in checked.problems.items():
        console.error_line("broken  ", path, ": ", why)
    for problem in (guard(repo, index_file=Path.cwd() / index if index else None).problem(), checked.problem()):
        code = code or (_tell(problem, console) if problem is not None else DONE.code)
    changed = [output.path for output in status(repo).outputs if output.changes]
    if changed:
        console.warn(
            f"tracked data changed since its pointer was written: {', '.join(changed[:5])}"
            + (f" and {len(changed) - 5} more" if len(changed) > 5 else ""),
            f"`dvcx add {changed[0]}` and `git add {changed[0]}.dvcx`, if it belongs to this commit",
        )
    return code


def _before_push(
    name: str, words: Sequence[str], git: GitLocation, console: Console, environment: Mapping[str, str]
) -> int:
    from dvcx.git.history import remote_tips
    from dvcx.git.revisions import resolve_or_none

    if words:
        remote = words[0]
        updates = [line.split() for line in sys.stdin.read().splitlines()]
        new = [each[1] for each in updates if len(each) == 4 and set(each[1]) - _ZERO]
        known = [each[3] for each in updates if len(each) == 4 and set(each[3]) - _ZERO]
    else:
        remote = environment.get("PRE_COMMIT_REMOTE_NAME", "")
        # When everything is new to the remote, pre-commit names just the branch.
        tip = environment.get("PRE_COMMIT_TO_REF") or environment.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
        new = [resolve_or_none(git, tip) or ""]
        known = [environment.get("PRE_COMMIT_FROM_REF", "")]
    new = [each for each in new if _is_id(each)]
    known = [each for each in known if _is_id(each)] + (remote_tips(git, remote) if remote else [])
    if not new:
        return DONE.code  # a branch is deleted

    def check(repo: Repo, console: Console, environment: Mapping[str, str]) -> int:
        return _publish(repo, new, known, console, always=name == "push")

    return _each(git, console, environment, check)


def _publish(repo: Repo, new: Sequence[str], known: Sequence[str], console: Console, *, always: bool) -> int:
    from dvcx.operations.publish import publish

    how = "always" if always else repo.config.git.push
    found = publish(repo, new, known, send=how == "always")
    problem = found.problem() if found is not None else None
    if found is None or problem is None:
        return DONE.code
    if how == "ask" and found.objects and not found.lost:
        question = (
            f"{counted(len(found.paths), 'tracked path')} of these commits "
            f"{'is' if len(found.paths) == 1 else 'are'} not on {found.remote}. Push now?"
        )
        if _yes(question):
            sent = publish(repo, new, known, send=True)
            problem = sent.problem() if sent is not None else None
            if problem is None:
                console.say(f"dvcx: pushed {counted(found.objects, 'object')} to {found.remote}")
                return DONE.code
    return _tell(problem, console)


def _yes(question: str) -> bool:
    """Asks on the terminal itself, since Git uses stdin for something else; no where there is none."""
    try:
        with open("/dev/tty", "r+b", buffering=0) as terminal:
            terminal.write(f"{question} [Y/n] ".encode())
            line = terminal.readline(64)
            return line.strip().lower() in (b"", b"y", b"yes") and line != b""
    except OSError:
        return False


def _is_id(text: str) -> bool:
    return len(text) in (40, 64) and all(letter in "0123456789abcdef" for letter in text) and bool(set(text) - _ZERO)
