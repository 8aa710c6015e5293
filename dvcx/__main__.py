"""Where `dvcx`, `git dvcx` and `python -m dvcx` start."""

from __future__ import annotations

import gc
import os
import sys

from dvcx import __version__


def main() -> int:
    """Runs the command line of this process and gives its exit code."""
    words = sys.argv[1:]
    if len(words) == 1 and words[0] in ("--version", "-V", "version"):
        # Scripts and prompts ask this often: answered before anything heavy is imported.
        sys.stdout.write(f"dvcx {__version__}\n")
        return 0
    # Walking a million files makes millions of small values and no cycles: with Python's own threshold a third of the
    # time goes into looking for some.
    gc.set_threshold(200_000, 20, 20)
    from dvcx.cli.app import run

    code = run(words)
    if code == _INTERRUPTED:
        # Everything is told and flushed, and what a killed process leaves is always in order: the threads that still
        # wait for a slow network need not be waited for.
        os._exit(code)
    return code


_INTERRUPTED = 130


if __name__ == "__main__":
    # `python -m` looks for modules in the current folder first, and that may be somebody else's repository.
    if sys.path[:1] == [os.getcwd()]:
        del sys.path[0]
    sys.exit(main())
