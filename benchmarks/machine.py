"""Describes the machine on which the benchmark ran."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from data import GIB


def describe(work: Path) -> dict[str, str]:
    """Label to value, in the order in which to show them."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{memory / GIB:.1f} GiB",
        "file system": _file_system(work),
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Git": _first_line("git", "--version").removeprefix("git version "),
        "cp": _first_line("cp", "--version"),
        "load before the run": ", ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def _processor() -> str:
    if sys.platform == "darwin":
        return _first_line("sysctl", "-n", "machdep.cpu.brand_string")
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(work: Path) -> str:
    """Type and mount options of the file system with the longest mount point above the folder."""
    best = ("", "unknown")
    for line in _lines(Path("/proc/self/mounts")):
        _, mount, kind, options, *_ = line.split()
        if work.resolve().is_relative_to(mount) and len(mount) > len(best[0]):
            best = (mount, f"{kind} ({options})")
    return best[1]


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _first_line(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or ["unknown"])[0]
