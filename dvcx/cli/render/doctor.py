"""The report of `dvcx doctor` as text: two columns, every line can be pasted."""

from __future__ import annotations

from collections.abc import Iterator

from dvcx.base.filesystems import FileSystem
from dvcx.cli.console import Console
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.text import Cell, bold, green, red, yellow
from dvcx.operations.doctor import ProjectReport, Report
from dvcx.operations.doctor_remotes import RemoteReport

_COLOURS = {"ready": green, "new": yellow, "unreachable": red}


def render_report(report: Report, console: Console) -> None:
    """Shows the report, and at its end what somebody should know or do."""
    rows: list[tuple[str, Cell]] = [*_machine(report), *_project(report.project)]
    if report.project is not None:
        for remote in report.project.remotes:
            rows.append(("remote", (remote.name, " ", _COLOURS[remote.state](remote.state), _remote(remote))))
    rows += [("note", (yellow(note),)) for note in report.notes]
    console.table([(bold(name), text) for name, text in rows])


def _machine(report: Report) -> Iterator[tuple[str, str]]:
    yield "dvcx", report.dvcx
    yield "python", f"{report.python} ({report.executable})"
    yield "platform", f"{report.platform}, {count_text(report.cpus, 'CPU')}, file names in {report.file_names}"
    yield "git", report.git or "not found"
    yield "libraries", ", ".join(f"{name} {version}" for name, version in report.libraries.items() if version)
    absent = [name for name, version in report.libraries.items() if version is None]
    if absent:
        yield "not installed", ", ".join(absent)


def _project(project: ProjectReport | None) -> Iterator[tuple[str, str]]:
    if project is None:
        yield "project", "none here"
        return
    kind = "without Git" if not project.git else "in a linked worktree" if project.linked_worktree else "in Git"
    extra = [f"in the subfolder {project.subfolder}"] if project.subfolder else []
    extra += ["of a clone without its whole history"] if project.shallow else []
    yield "project", " ".join([project.root, kind, *extra])
    broken = f", {count_text(project.broken, 'pointer file')} that cannot be used" if project.broken else ""
    yield "tracked", f"{count_text(project.tracked, 'path')}{broken}"
    yield "hash", project.hash + (" (accident-only)" if project.accident_only else "")
    yield "durability", project.durability
    yield "workspace", _filesystem(project.workspace)
    cache = project.cache
    yield "cache", cache.path + (" (outside of this repository)" if cache.shared else "")
    yield "", _filesystem(project.cache_filesystem)
    packs, loose = count_text(cache.packs, "pack"), count_text(cache.loose_objects, "loose file")
    yield "", f"{count_text(cache.objects, 'object')}, {size_text(cache.size)} in {packs} and {loose}"
    yield "cache.type", ", ".join(project.cache_type)
    if project.link_error is not None:
        yield "links", f"could not be tried: {project.link_error}"
    for number, (link, why) in enumerate(project.links.items()):
        yield "links" if not number else "", f"{link}: works" if why is None else f"{link}: does not work, {why}"
    if project.git_settings:
        yield "git settings", ", ".join(f"{key}={value}" for key, value in project.git_settings.items())
    if not project.remotes:
        yield "remote", "none"


def _filesystem(found: FileSystem) -> str:
    what = (
        found.kind + (f" at {found.mount}" if found.mount else "") + (", over the network" if found.is_network else "")
    )
    return f"{what}, {size_text(found.free)} of {size_text(found.total)} free"


def _remote(remote: RemoteReport) -> str:
    facts = [remote.url + (" (default)" if remote.default else "")]
    if remote.filesystem is not None:
        facts.append(remote.filesystem)
    if remote.writable is not None:
        facts.append("writable" if remote.writable else "not writable")
    if remote.seconds is not None:
        facts.append(f"answered in {remote.seconds:.2f} s")
    return f", {', '.join(facts)}"
