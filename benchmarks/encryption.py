"""What encryption costs: push, and clone and pull, of the same data to a remote in the clear and an encrypted one.

python benchmarks/encryption.py                                # five minutes, 15 GiB of disk
python benchmarks/encryption.py --workload small --rounds 3

The S3 server runs on the same machine, so everybody's seconds hold its work; the CPU seconds are dvcx's own.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from data import make_files, make_large
from measure import Command, Cost, run
from s3_compare import PULL, PUSH, Ground
from store import serving
from tools import install_dvcx_s3, install_rclone

MIB = 1 << 20
HEADER = ("data", "step", "in the clear, s", "encrypted, s", "CPU, s", "CPU encrypted, s", "peak MiB", "encrypted")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a Markdown table, of each figure the best of the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", choices=("small", "large"), action="append", help="repeatable; default: both")
    parser.add_argument("--rounds", type=int, default=2, help="default: 2")
    parser.add_argument("--scale-down", type=int, default=1, metavar="N", help="so many times less data")
    default = Path(__file__).resolve().parent / ".work"
    parser.add_argument("--work", type=Path, default=default, metavar="DIR", help="default: benchmarks/.work")
    options = parser.parse_args(arguments)
    work: Path = options.work.resolve()
    dvcx = install_dvcx_s3(work / "environments", "s3,encrypt")
    rclone = install_rclone(work / "environments")
    print(f"| {' | '.join(HEADER)} |\n| --- | --- {'| ---: ' * 6}|")
    for workload in options.workload or ("small", "large"):
        source = work / "data" / f"encryption-{workload}-{options.scale_down}" / "data"
        source.parent.mkdir(parents=True, exist_ok=True)
        if workload == "small":
            make_files(source, 20_000 // options.scale_down)
        else:
            make_large(source, 2048 * MIB // options.scale_down)
        found: dict[tuple[str, bool], list[Cost]] = {}
        for encrypt in (False, True) * options.rounds:
            root = work / "rounds" / "encryption"
            shutil.rmtree(root, ignore_errors=True)
            with serving(rclone.program, root / "server") as server:
                for step, cost in _measured(Ground(dvcx, root, source, server), encrypt=encrypt).items():
                    found.setdefault((step, encrypt), []).append(cost)
            shutil.rmtree(root)
        for step in (PUSH, PULL):
            print(_row(workload, step, found[step, False], found[step, True]), flush=True)
    return 0


def _measured(ground: Ground, *, encrypt: bool) -> dict[str, Cost]:
    ground.prepare()
    key = ground.root / "identity.key"
    if encrypt:
        run([ground.tool_command("remote", "keys", "generate", "--output", str(key))])
        run([_with_key(ground.tool_command("remote", "keys", "add", "store", "ada"), key), *ground.commit()])
    return {step: run([_with_key(each, key) for each in ground.commands(step)]) for step in (PUSH, PULL)}


def _with_key(command: Command, key: Path) -> Command:
    if not key.exists():
        return command
    return replace(command, environment={**command.environment, "DVCX_CORE_IDENTITY_FILE": str(key)})


def _row(workload: str, step: str, clear: Sequence[Cost], encrypted: Sequence[Cost]) -> str:
    numbers = [
        *(f"{min(cost.seconds for cost in costs):.2f}" for costs in (clear, encrypted)),
        *(f"{min(cost.cpu_seconds for cost in costs):.2f}" for costs in (clear, encrypted)),
        *(f"{max(cost.peak_bytes for cost in costs) / MIB:.0f}" for costs in (clear, encrypted)),
    ]
    return f"| {workload} | {step} | {' | '.join(numbers)} |"


if __name__ == "__main__":
    sys.exit(main())
