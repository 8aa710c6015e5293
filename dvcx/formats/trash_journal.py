"""The journal of a trash entry: JSON lines that say what was about to happen, so that it can be undone.

    {"format": 1, "operation": "checkout", "when": 1700000000.5, "roots": ["/home/ada/project"], "undoes": null}
    {"move": "/home/ada/project/a.csv", "to": "files/0", "name": "a.csv"}
    {"keep": "/home/ada/project/a.csv.dvcx", "mode": 420, "text": "..."}     or "base64", or "link", or null: not there
    {"rename": "/home/ada/project/old", "to": "/home/ada/project/new", "inode": [64769, 1234]}
    {"absent": "/home/ada/project/b.csv", "inode": [64769, 1234]}             an undo put something here
    {"folder": "/home/ada/project/sub"}                                       an undo made this folder

Every line was on the disk before its step began. So the last step may not have happened, and the last line may be cut
off. The first root is the project; nothing outside the roots is ever touched by an undo. Paths are absolute; bytes that
are not UTF-8 stand as the escapes that Python uses for them in file names.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from dvcx.base.errors import DamagedData

VERSION = 1


@dataclass(frozen=True, slots=True)
class Header:
    """What an entry is: the operation's name, its time (seconds since 1970), and the folders it may touch.

    `undoes` is the id of the entry that an undo takes back.
    """

    operation: str
    when: float
    roots: tuple[str, ...]
    undoes: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """Something that moves from `path` to `kept`, relative to the entry's folder or absolute; `name` is shown."""

    path: str
    kept: str
    name: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The present content of a small file; `text` and `link` (a symbolic link's target) are None if it is not there."""

    path: str
    text: bytes | None = None
    link: str | None = None
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Renamed:
    """A rename; `device` and `inode` tell the renamed thing apart from others that stand at either path later."""

    path: str
    new_path: str
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Absent:
    """A place where nothing stands, and to which an undo brings something back, which these numbers tell apart.

    `name` is what to show for it; where that is empty, the path.
    """

    path: str
    device: int
    inode: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class MadeFolder:
    """A folder that an undo makes, because what it brings back lies in it."""

    path: str


@dataclass(frozen=True, slots=True)
class Marked:
    """Marks that a garbage collection wrote on a remote, into this file there; `name` is what to show for them."""

    remote: str
    file: str
    name: str


Step = Moved | Kept | Renamed | Absent | MadeFolder | Marked


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal as far as it can be read.

    `length` is in bytes, up to the end of the last whole line; `unreadable` counts the whole lines that say nothing.
    """

    header: Header
    steps: tuple[Step, ...]
    length: int
    unreadable: int = 0


def dump_header(header: Header) -> bytes:
    """Gives the first line of a journal."""
    fields = {"operation": header.operation, "when": header.when, "roots": header.roots, "undoes": header.undoes}
    return _line({"format": VERSION, **fields})


def dump_steps(steps: Iterable[Step]) -> bytes:
    """Gives the lines of `steps`."""
    return b"".join(_line(_as_fields(step)) for step in steps)


def parse_journal(data: bytes, where: str) -> Journal:
    """Reads a journal; lines that cannot be read are passed over. Raises `DamagedData` when the first one is none."""
    lines = data.split(b"\n")
    tail = lines.pop()
    header = _parse_header(lines[0] if lines else b"", where)
    steps = [step for line in lines[1:] if (step := _parse_step(line)) is not None]
    return Journal(header, tuple(steps), len(data) - len(tail), len(lines) - 1 - len(steps))


def parse_header(line: bytes, where: str) -> Header:
    """Reads the first line of a journal; raises `DamagedData` when it is cut off or not one we know."""
    if not line.endswith(b"\n"):
        raise DamagedData(f"{where} has no whole first line")
    return _parse_header(line, where)


def _parse_header(line: bytes, where: str) -> Header:
    try:
        fields = json.loads(line)
        version = fields["format"]
        roots = tuple(str(root) for root in fields["roots"])
        undoes = fields.get("undoes")
        header = Header(str(fields["operation"]), float(fields["when"]), roots, None if undoes is None else str(undoes))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedData(f"{where} does not start like a journal of the trash") from error
    if version != VERSION:
        raise DamagedData(f"{where} has version {version}; this dvcx reads {VERSION}", "upgrade dvcx")
    return header


def _as_fields(step: Step) -> dict[str, object]:
    match step:
        case Moved(path, kept, name):
            return {"move": path, "to": kept, "name": name}
        case Kept(path, text, link, mode):
            return {"keep": path, "mode": mode, **_content(text, link)}
        case Renamed(path, new_path, device, inode):
            return {"rename": path, "to": new_path, "inode": [device, inode]}
        case Absent(path, device, inode, name):
            shown = {"name": name} if name else {}
            return {"absent": path, "inode": [device, inode], **shown}
        case MadeFolder(path):
            return {"folder": path}
        case Marked(remote, file, name):
            return {"marks": file, "remote": remote, "name": name}


def _content(text: bytes | None, link: str | None) -> dict[str, object]:
    if link is not None:
        return {"link": link}
    if text is None:
        return {"text": None}
    try:
        return {"text": text.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(text).decode("ascii")}


def _parse_step(line: bytes) -> Step | None:
    try:
        fields = json.loads(line)
        if "move" in fields:
            return Moved(_text(fields["move"]), _text(fields["to"]), _text(fields["name"]))
        if "keep" in fields:
            return _parse_kept(fields)
        if "rename" in fields:
            device, inode = fields["inode"]
            return Renamed(_text(fields["rename"]), _text(fields["to"]), int(device), int(inode))
        if "absent" in fields:
            device, inode = fields["inode"]
            return Absent(_text(fields["absent"]), int(device), int(inode), _text(fields.get("name", "")))
        if "folder" in fields:
            return MadeFolder(_text(fields["folder"]))
        if "marks" in fields:
            return Marked(_text(fields["remote"]), _text(fields["marks"]), _text(fields["name"]))
    except (ValueError, KeyError, TypeError):
        pass
    return None


def _parse_kept(fields: dict[str, object]) -> Kept:
    text = fields.get("text")
    content = None if text is None else _text(text).encode("utf-8")
    if "base64" in fields:
        content = base64.b64decode(_text(fields["base64"]), validate=True)
    link = _text(fields["link"]) if "link" in fields else None
    mode = fields["mode"]
    if not isinstance(mode, int):
        raise TypeError(mode)
    return Kept(_text(fields["keep"]), content, link, mode & 0o777)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _line(fields: dict[str, object]) -> bytes:
    return json.dumps(fields).encode("ascii") + b"\n"


def relocated(journal: Journal, old: str, new: str) -> Journal:
    """Gives the journal as it would be if the folder `old` had been called `new`."""

    def there(path: str) -> str:
        return new + path[len(old) :] if path == old or path.startswith(old + "/") else path

    def step_there(step: Step) -> Step:
        match step:
            case Moved(path, kept, name):
                return Moved(there(path), there(kept), name)
            case Renamed(path, new_path):
                return replace(step, path=there(path), new_path=there(new_path))
            case Marked():
                return step
            case _:
                return replace(step, path=there(step.path))

    header = replace(journal.header, roots=tuple(map(there, journal.header.roots)))
    return replace(journal, header=header, steps=tuple(map(step_there, journal.steps)))
