"""Starting the `git` program: the one place that does, always with a clean environment and never through a shell.

Every call names the repository itself (`--git-dir`, `--work-tree`) and drops the variables with which Git tells its
hooks where they are, so that dvcx inside a hook, or `dvcx -C elsewhere` inside a hook, works on the repository that
was opened. No call reaches the network: objects that a partial clone lacks stay lacking.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from dvcx.base.errors import DvcxError, UsageError

if TYPE_CHECKING:
    import subprocess

# `git rev-parse --local-env-vars` without the GIT_CONFIG_ ones (they are the user's `git -c`), and what changes the
# meaning of paths and revisions or writes more than was asked for.
_DROPPED = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_PREFIX",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_GRAFT_FILE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_NAMESPACE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_CONFIG",
        "GIT_LITERAL_PATHSPECS",
        "GIT_GLOB_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
        "GIT_EXTERNAL_DIFF",
        "GIT_DIFF_OPTS",
        "GIT_DEFAULT_HASH",
        "GIT_ATTR_SOURCE",
        "GIT_FLUSH",
        "LANGUAGE",
    }
)
_FIXED = {
    "LC_ALL": "C",  # messages that we look at come untranslated; file names are bytes either way
    "GIT_OPTIONAL_LOCKS": "0",  # looking never takes the index lock away from the user's own git
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",  # git >= 2.45
    "DVCX_HOOKS": "0",  # dvcx's own hooks leave alone what dvcx itself has git do
    "GIT_ALLOW_PROTOCOL": "none",  # the same for older ones: a lazy fetch finds no protocol that it may use
}
_DISCOVERY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
)
_OPTIONS = ("--no-pager", "-c", "core.quotePath=false", "-c", "core.fsmonitor=false")


class GitFailed(DvcxError):
    """The `git` program refused or failed: which command, its exit code, and what it said."""

    def __init__(self, command: Sequence[str], code: int, stderr: str) -> None:
        self.command = tuple(command)
        self.code = code
        self.stderr = stderr
        verb = next((word for word in self.command if not word.startswith("-") and "=" not in word), "")
        super().__init__(f"git {verb} failed: {_reason(stderr, code)}", _hint(stderr))


class Located(Protocol):
    """What `run_git` needs to know of a repository; `GitLocation` is one."""

    @property
    def worktree(self) -> Path:
        """The top of the work tree, or the git dir of a bare repository."""

    @property
    def git_dir(self) -> Path:
        """The folder of this worktree's HEAD and index."""

    @property
    def bare(self) -> bool:
        """Whether there is no work tree."""


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """What one run of `git` gave: its exit code and both of its outputs."""

    code: int
    out: bytes
    err: str


def run_git(
    where: Located | Path,
    args: Sequence[str],
    *,
    stdin: bytes | None = None,
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """Gives what `git ARGS` prints, run in the repository `where` (or, for a path, in that folder).

    `args` begins with the name of the Git command; the caller puts `--end-of-options` or `--` before names that are
    data. `extra` adds variables to git's environment, such as `GIT_INDEX_FILE` for the index of a hook. Raises
    `GitFailed` when git exits non-zero, `DvcxError` when it is not installed.
    """
    answer = ask_git(where, args, stdin=stdin, extra=extra)
    if answer.code != 0:
        raise GitFailed(args, answer.code, answer.err)
    return answer.out


def ask_git(
    where: Located | Path,
    args: Sequence[str],
    *,
    stdin: bytes | None = None,
    extra: Mapping[str, str] | None = None,
) -> GitAnswer:
    """Gives what `git ARGS` prints together with its exit code, for commands whose failure is an answer."""
    import subprocess  # 12 ms: a command that needs no git process does not pay for it

    if any("\0" in argument for argument in args):
        raise UsageError("a name with a NUL character cannot be in Git", "check what you typed or what the file says")
    with _explained():
        done = subprocess.run(
            git_command(where, args),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env=_environment(extra),
            cwd=_folder_for(where),
            check=False,
        )
    return GitAnswer(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def start_git(
    where: Located | Path, args: Sequence[str], *, stderr: IO[bytes], extra: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Gives a running `git ARGS` with pipes to its input and output, for streams too long to hold at once."""
    import subprocess

    with _explained():
        return subprocess.Popen(
            git_command(where, args),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=_environment(extra),
            cwd=_folder_for(where),
        )


@contextmanager
def stream_git(
    where: Located | Path, args: Sequence[str], *, stdin: bytes = b"", extra: Mapping[str, str] | None = None
) -> Iterator[IO[bytes]]:
    """Gives the output of `git ARGS` as a stream, for a command that reads all of `stdin` before it answers.

    Raises `GitFailed` at the end when git exits non-zero. Leaving early ends the process.
    """
    from tempfile import TemporaryFile  # as late as subprocess, for the same reason

    with TemporaryFile() as stderr:
        process = start_git(where, args, stderr=stderr, extra=extra)
        assert process.stdin is not None and process.stdout is not None
        try:
            try:
                process.stdin.write(stdin)
                process.stdin.close()
            except BrokenPipeError:
                pass  # git refused before it read all; its exit code says so
            yield process.stdout
            left_early = bool(process.stdout.read(1))
            code = 0 if left_early else process.wait()
        finally:
            end_process(process)
        if code != 0:
            raise GitFailed(args, code, reason_of(stderr))


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Ends a git process that is only reading, closes its pipes and takes its exit code."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                pass  # what was buffered for a process that is gone
    process.wait()


def git_command(where: Located | Path, args: Sequence[str]) -> list[str]:
    """Gives the whole argument list for `git ARGS` in that repository."""
    if isinstance(where, Path):
        return ["git", *_OPTIONS, *args]
    place = [f"--git-dir={where.git_dir}"]
    if not where.bare and where.worktree.is_dir():
        place.append(f"--work-tree={where.worktree}")
    return ["git", *_OPTIONS, *place, *args]


def ask_git_about(start: Path, question: str, environ: Mapping[str, str]) -> str | None:
    """Gives the answer of `git rev-parse QUESTION` in the folder `start`, or None where Git sees no work tree.

    Git's own search, with the discovery variables of `environ`. Raises `DvcxError` with its reason for a repository
    that it does not trust or cannot read.
    """
    answer = ask_git(
        start, ["rev-parse", question], extra={name: environ[name] for name in _DISCOVERY if name in environ}
    )
    if answer.code == 0:
        return os.fsdecode(answer.out.removesuffix(b"\n"))
    if "dubious ownership" in answer.err or "safe.directory" in answer.err:
        raise DvcxError(
            f"{start} lies in a Git repository that belongs to another user",
            f"if you trust it: `git config --global --add safe.directory {start}`",
        )
    if "not a git repository" in answer.err or "must be run in a work tree" in answer.err:
        return None
    raise GitFailed(["rev-parse", question], answer.code, answer.err)


def reason_of(stderr: IO[bytes]) -> str:
    """Gives what a git process wrote to the file `stderr`, at most 64 KiB of it."""
    stderr.seek(0)
    return stderr.read(64 * 1024).decode(errors="replace")


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    # Not a reading of our own configuration: a child process inherits the environment, minus what would mislead it.
    kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    return kept | _FIXED | dict(extra or {})


def _folder_for(where: Located | Path) -> Path:
    if isinstance(where, Path):
        return where
    return where.worktree if where.worktree.is_dir() else where.git_dir


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if error.filename != "git":
            raise
        raise DvcxError(
            "the program `git` was not found", "install Git 2.31 or newer and put it on the PATH"
        ) from error


def _reason(stderr: str, code: int) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for line in lines:
        for mark in ("fatal: ", "error: "):
            if line.startswith(mark):
                return line.removeprefix(mark)
    return lines[-1] if lines else f"exit code {code}"


def _hint(stderr: str) -> str | None:
    if "promisor" in stderr:
        return "this is a partial clone; `git fetch --refetch --no-filter` brings the objects that it lacks"
    if "bad object" in stderr or "unable to read" in stderr or "missing" in stderr:
        return "`git fsck` shows what is damaged in the Git repository"
    return None
