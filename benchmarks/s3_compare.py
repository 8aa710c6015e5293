"""Compares dvcx with DVC[s3], s5cmd and rclone's own copy on an S3 server on this machine; counts dvcx's requests.

python benchmarks/s3_compare.py                                       # everything: a quarter of an hour, 20 GiB of disk
python benchmarks/s3_compare.py --workload small --scale-down 20      # a quick try
python benchmarks/s3_compare.py --prepare                             # only installs and makes the data
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import data
import machine
import s3_report
from measure import Command, Cost, StepError, run
from quiet import Aside, settle, touch_free_memory
from store import BUCKET, Counted, Server, credentials, serving, watched
from tools import Tool, install_dvc_s3, install_dvcx_s3, install_rclone, install_s5cmd, program_path

PUSH = "push"
AGAIN = "push, nothing new"
PULL = "clone and pull"
EDITED = "push after an edit"
STEPS = (PUSH, AGAIN, PULL, EDITED)
RCLONE_OPTIONS = ["--s3-provider", "Other", "--s3-env-auth", "--s3-upload-concurrency", "8", "--s3-chunk-size", "16M"]
COPIERS = ("rclone", "s5cmd")
"""Programs that copy files and keep no versions: the fastest clients there are, but not of this kind."""
GIT = program_path("git")


@dataclass(frozen=True, slots=True)
class Sample:
    """One step of one tool; `latency` in milliseconds and `counted` are None where no proxy was in between."""

    workload: str
    step: str
    tool: str
    latency: int | None
    cost: Cost
    counted: Counted | None


@dataclass(slots=True)
class Run:
    """What to run, where, and what was found."""

    work: Path
    scale_down: float
    aside: Aside
    rclone: str
    samples: list[Sample] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ground:
    """The folders of one tool on one server."""

    tool: Tool
    root: Path
    source: Path
    server: Server

    @property
    def repo(self) -> Path:
        """The repository in which the data is."""
        return self.root / "repo"

    @property
    def clone(self) -> Path:
        """Another machine, with a home of its own."""
        return self.root / "clone"

    @property
    def workspace(self) -> Path:
        """The tracked file or folder."""
        return self.repo / self.source.name

    def process(self, program: str, *words: str, folder: Path) -> Command:
        """A command in a folder, with the credentials in its environment."""
        home = self.root / f"home-of-{folder.name}"
        environment = {**self.tool.environment(home), **credentials()}
        return Command([program, *words], folder, environment, self.root / "log.txt")

    def tool_command(self, *words: str, folder: Path | None = None) -> Command:
        """A command of the tool."""
        return self.process(self.tool.program, *words, folder=folder or self.repo)

    def prepare(self) -> None:
        """Makes the repository with the data tracked and the remote set up; nothing is sent."""
        self.repo.mkdir(parents=True)
        if self.source.is_dir():
            shutil.copytree(self.source, self.workspace)
        else:
            shutil.copyfile(self.source, self.workspace)
        if self.tool.name in COPIERS:
            return
        endpoint = "endpointurl" if self.tool.name == "dvc" else "endpoint_url"
        commands = [self.process(GIT, "init", "-q", "-b", "main", folder=self.repo), self.tool_command("init")]
        commands += [self.tool_command(*words) for words in self.tool.settings()]
        commands.append(self.tool_command("remote", "add", "-d", "store", f"s3://{BUCKET}/{self.tool.name}"))
        commands.append(self.tool_command("remote", "modify", "store", endpoint, self.server.url))
        commands.append(self.tool_command("add", self.source.name))
        commands += self.commit()
        run(commands)

    def commit(self) -> list[Command]:
        """Saves the pointers."""
        git = [self.process(GIT, "add", "-A", folder=self.repo)]
        return [*git, self.process(GIT, "commit", "-q", "-m", "data", folder=self.repo)]

    def commands(self, step: str) -> list[Command]:
        """What is timed in a step."""
        if self.tool.name == "rclone":
            return [self._rclone(step)]
        if self.tool.name == "s5cmd":
            return [self._s5cmd(step)]
        if step == PULL:
            clone = self.process(GIT, "clone", "-q", str(self.repo), str(self.clone), folder=self.root)
            return [clone, self.tool_command("pull", folder=self.clone)]
        return [self.tool_command("push")]

    def before(self, step: str) -> None:
        """What has to be done before a step and is not timed."""
        if step != EDITED:
            return
        if self.workspace.is_dir():
            data.edit_files(self.workspace, 0.01)
        else:
            data.insert_in_middle(self.workspace, data.MIB)
        if self.tool.name not in COPIERS:
            run([self.tool_command("add", self.source.name), *self.commit()])

    def check(self, step: str, expected: str) -> None:
        """Raises StepError when what was pulled is not what was added."""
        if step == PULL and data.digest(self.clone / self.source.name) != expected:
            raise StepError(f"{self.clone / self.source.name} is not what was added")

    def _rclone(self, step: str) -> Command:
        far = f":s3,endpoint='{self.server.url}':{BUCKET}/rclone/{self.source.name}"
        is_folder = self.source.is_dir()
        verb = "copy" if is_folder else "copyto"
        options = [*RCLONE_OPTIONS, "--config", "/dev/null", "--transfers", "32", "--checkers", "32"]
        ends = [str(self.workspace), far]
        if step == PULL:
            ends = [far, str(self.clone / self.source.name)]
            options += ["--multi-thread-streams", "8"]
        return self.process(self.tool.program, verb, *options, *ends, folder=self.root)

    def _s5cmd(self, step: str) -> Command:
        far = f"s3://{BUCKET}/s5cmd/{self.source.name}"
        near = self.clone if step == PULL else self.repo
        ends = [str(near / self.source.name), far]
        if self.source.is_dir():
            ends = [f"{near / self.source.name}/", f"{far}/*" if step == PULL else f"{far}/"]
        if step == PULL:
            near.mkdir(exist_ok=True)
            ends.reverse()
        parts = ["--concurrency", "8", "--part-size", "16"]
        verb = ["cp", *parts]
        if step in (AGAIN, EDITED):  # only what differs; `sync` takes folders alone
            verb = ["sync"] if self.source.is_dir() else ["cp", *parts, "--if-size-differ", "--if-source-newer"]
        common = ["--endpoint-url", self.server.url, "--numworkers", "32", "--log", "error"]
        return self.process(self.tool.program, *common, *verb, *ends, folder=self.root)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the workloads and prints the report; 1 when a step failed."""
    options = _parser().parse_args(arguments)
    work: Path = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    environments = work / "environments"
    rclone = install_rclone(environments)
    installers: dict[str, Callable[[], Tool]] = {
        "dvc": lambda: install_dvc_s3(environments),
        "dvcx": lambda: install_dvcx_s3(environments),
        "rclone": lambda: rclone,
        "s5cmd": lambda: install_s5cmd(environments),
    }
    tools = [installers[name]() for name in options.tools or installers]
    course = Run(work, options.scale_down, Aside(work / "aside"), rclone.program)
    chosen = options.workload or list(SOURCES)
    sources = {name: SOURCES[name](course) for name in chosen}
    if options.prepare:
        return 0
    for name, source in sources.items():
        for tool in tools:
            _measure(course, name, source, tool, None)
        for latency in options.latency if any(tool.name == "dvcx" for tool in tools) else ():
            _measure(course, name, source, next(tool for tool in tools if tool.name == "dvcx"), latency)
    described = {**machine.describe(work), **{tool.name: tool.version for tool in tools}}
    text = s3_report.render(course.samples, course.failures, described, STEPS, options.scale_down)
    print(text)
    if options.markdown:
        options.markdown.write_text(text)
    if options.json:
        options.json.write_text(json.dumps([asdict(sample) for sample in course.samples], indent=1) + "\n")
    course.aside.delete()
    return 1 if course.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", action="append", choices=list(SOURCES), help="repeatable; default: both")
    parser.add_argument("--tools", action="append", choices=["dvc", "dvcx", *COPIERS], help="repeatable; default: all")
    parser.add_argument("--latency", action="append", type=int, metavar="MS", default=[], help="dvcx again, counted")
    parser.add_argument("--scale-down", type=float, default=1, metavar="F", help="F times fewer files and bytes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there, too")
    parser.add_argument("--prepare", action="store_true", help="install the tools and make the data, nothing more")
    default = Path(__file__).resolve().parent / ".work"
    parser.add_argument("--work", type=Path, default=default, metavar="DIR", help="default: benchmarks/.work")
    return parser


def _small(course: Run) -> Path:
    count = max(20, round(20_000 / course.scale_down))
    data.make_files(course.work / "data" / f"small-{count}" / "data", count)
    return course.work / "data" / f"small-{count}" / "data"


def _large(course: Run) -> Path:
    size = round(2 * data.GIB / course.scale_down)
    data.make_large(course.work / "data" / f"large-{size}" / "large.bin", size)
    return course.work / "data" / f"large-{size}" / "large.bin"


SOURCES = {"small": _small, "large": _large}


def _measure(course: Run, workload: str, source: Path, tool: Tool, latency: int | None) -> None:
    """One tool, all steps, on a fresh server; behind a proxy when there is a latency, which may be 0."""
    root = course.work / "rounds" / f"s3-{workload}-{tool.name}-{latency}"
    course.aside.discard(root)
    with serving(course.rclone, root / "server") as bare:
        if latency is None:
            _steps(course, workload, Ground(tool, root, source, bare), latency)
        else:
            with watched(bare, latency) as server:
                _steps(course, workload, Ground(tool, root, source, server), latency)
    log = course.work / "logs" / f"{root.name}.txt"
    log.parent.mkdir(exist_ok=True)
    if (root / "log.txt").exists():
        shutil.copyfile(root / "log.txt", log)
    course.aside.discard(root)


def _steps(course: Run, workload: str, ground: Ground, latency: int | None) -> None:
    expected = data.digest(ground.source)
    ground.prepare()
    for step in STEPS:
        print(f"{workload}: {ground.tool.name} {step} {latency or ''}", file=sys.stderr, flush=True)
        try:
            ground.before(step)
            settle(course.work)
            touch_free_memory(3 * data.GIB)
            ground.server.counts()
            cost = run(ground.commands(step))
            counted = ground.server.counts()
            ground.check(step, expected)
        except StepError as error:
            course.failures.append(f"{workload}, {ground.tool.name}, {step}: {error}")
            print(error, file=sys.stderr, flush=True)
            return
        course.samples.append(Sample(workload, step, ground.tool.name, latency, cost, counted))
        print(f"    {cost.seconds:.2f} s, {cost.peak_bytes / data.MIB:.0f} MiB, {counted}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
