"""Run one command and print what it cost as one line of JSON; the small process between the benchmark and the tool.

Linux counts the memory of the parent at the moment of the fork into the peak memory of the child. So the parent that is
measured against must stay small: this file imports next to nothing and is started with ``python -I -S``.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Arguments: the log file, the working folder, then the command (an absolute path first)."""
    log, folder, *command = sys.argv[1:]
    os.chdir(folder)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, out, 1),
        (os.POSIX_SPAWN_DUP2, out, 2),
    ]
    begin = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - begin
    unit = 1 if sys.platform == "darwin" else 1024
    cost = {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * unit,
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    sys.stdout.write(json.dumps(cost))


if __name__ == "__main__":
    main()
