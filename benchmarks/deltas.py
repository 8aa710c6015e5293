"""What a small edit of a large file costs: bytes sent first, sent after the edit, and taken by who had the old version.

python benchmarks/deltas.py                    # CSV, SQLite, tar, safetensors and Parquet of 128 MiB each
python benchmarks/deltas.py --size 16 --format csv

Sizes come from a counting proxy before an S3 server, so that they are what went over the line. A tool that keeps whole
files, as DVC does, sends the size of the file each time.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import formats
from measure import run
from s3_compare import GIT, Ground
from store import serving, watched
from tools import install_dvcx_s3, install_rclone, install_with

MIB = 1 << 20
HEADER = ("file", "edit", "MiB", "first push, MiB", "push after the edit, MiB", "pull of it, MiB", "of the file")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", action="append", choices=list(formats.MAKE), help="repeatable; default: all")
    parser.add_argument("--size", type=int, default=128, metavar="MIB", help="of each file; default: 128")
    default = Path(__file__).resolve().parent / ".work"
    parser.add_argument("--work", type=Path, default=default, metavar="DIR", help="default: benchmarks/.work")
    options = parser.parse_args(arguments)
    work: Path = options.work.resolve()
    dvcx = install_dvcx_s3(work / "environments")
    rclone = install_rclone(work / "environments")
    python = install_with(work / "environments" / "formats", "pyarrow")
    print(f"| {' | '.join(HEADER)} |\n| --- | --- {'| ---: ' * 5}|")
    for name in options.format or formats.MAKE:
        root = work / "rounds" / f"deltas-{name}"
        shutil.rmtree(root, ignore_errors=True)
        source = root / "made" / f"data.{name}"
        source.parent.mkdir(parents=True)
        _formats(python, name, source, "make", options.size)
        with serving(rclone.program, root / "server") as bare, watched(bare) as server:
            ground = Ground(dvcx, root, source, server)
            print(_row(ground, name, python, options.size), flush=True)
        shutil.rmtree(root)
    return 0


def _row(ground: Ground, name: str, python: Path, size: int) -> str:
    ground.prepare()
    ground.server.counts()
    run([ground.tool_command("push")])
    first = ground.server.counts()
    pull = ground.process(GIT, "clone", "-q", str(ground.repo), str(ground.clone), folder=ground.root)
    run([pull, ground.tool_command("pull", folder=ground.clone)])
    _formats(python, name, ground.workspace, "edit", size)
    run([ground.tool_command("add", ground.source.name), *ground.commit()])
    ground.server.counts()
    run([ground.tool_command("push")])
    sent = ground.server.counts()
    again = ground.process(GIT, "pull", "-q", folder=ground.clone)
    run([again, ground.tool_command("pull", folder=ground.clone)])
    taken = ground.server.counts()
    assert first is not None and sent is not None and taken is not None
    if (ground.clone / ground.source.name).read_bytes() != ground.workspace.read_bytes():
        raise SystemExit(f"error: the clone's {ground.source.name} is not what was pushed")
    whole = ground.workspace.stat().st_size
    what = (formats.EDIT[name].__doc__ or "").strip().rstrip(".")
    numbers = (whole / MIB, first.sent / MIB, sent.sent / MIB, taken.received / MIB)
    return f"| {name} | {what} | {' | '.join(f'{each:.1f}' for each in numbers)} | {sent.sent / whole:.1%} |"


def _formats(python: Path, name: str, file: Path, what: str, size: int) -> None:
    script = Path(__file__).with_name("formats.py")
    subprocess.run([str(python), str(script), name, str(file), what, str(size)], check=True)


if __name__ == "__main__":
    sys.exit(main())
