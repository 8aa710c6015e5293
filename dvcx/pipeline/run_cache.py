"""The run cache: what stages made of which inputs, so that the same need not be made again, here or elsewhere.

One small file a run, named by the hash of the stage's command, inputs and the names of its outputs. It is a hint: a
file that cannot be read counts as not there, and one whose outputs the object cache lost is of no use.
"""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

from dvcx.base.errors import DvcxError
from dvcx.base.files import write_atomically
from dvcx.base.hashing import Algorithm, algorithm_named
from dvcx.formats.lock_text import parse_lock, print_lock
from dvcx.model.run_record import Recorded, RunRecord, StageLock
from dvcx.model.stage import Stage
from dvcx.pipeline.current import lock_text_of

_NAME = "run"
_MOST_BYTES = 4 << 20


def is_cacheable(stage: Stage) -> bool:
    """Tells whether the stage's outputs are a function of what is declared: a command and whole outputs.

    With no dependencies and parameters they are one of the command alone (`docs/decisions/0032-run-cache.md`).
    """
    return bool(stage.cmd and stage.outs and not stage.always_changed and not any(out.persist for out in stage.outs))


def run_key(stage: Stage, inputs: RunRecord) -> str:
    """Gives the name of all runs of this command on these inputs (`current_inputs`) that make these outputs."""
    described: dict[str, object] = {
        "cmd": list(inputs.cmd),
        "wdir": posixpath.relpath(stage.wdir or ".", stage.folder or "."),
        "deps": [_described(each) for each in inputs.deps],
        "params": {file: dict(values) for file, values in inputs.params.items()},
        "outs": sorted(lock_text_of(stage, out.path) for out in stage.outs),
    }
    if not inputs.deps and not inputs.params:
        # `python make.py` in two folders is two programs, and no dependency tells them apart.
        described["stage"] = stage.address
    text = json.dumps(described, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return _KEYS.of(text.encode()).hex()


_KEYS: Algorithm = algorithm_named("blake3")


class RunCache:
    """The runs in a folder, which all worktrees of a repository share. Nothing is made before there is a run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> RunRecord | None:
        """Gives the run of that key, None when there is none that can be read."""
        text = self.text(key)
        if text is None:
            return None
        try:
            return parse_lock(text, key).records.get(_NAME)
        except DvcxError:
            return None

    def text(self, key: str) -> bytes | None:
        """Gives the file of that key."""
        try:
            with open(self._path(key), "rb") as file:
                return file.read(_MOST_BYTES)
        except OSError:
            return None

    def put(self, key: str, record: RunRecord) -> None:
        """Remembers a run; its outputs are stored already. That a hint cannot be written is no error."""
        self.put_text(key, print_lock(StageLock({_NAME: record})).encode())

    def put_text(self, key: str, text: bytes) -> None:
        """Does the same with the text of one."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text, durable=False)
        except OSError:
            return

    def all_keys(self) -> Iterator[str]:
        """Gives the keys of all runs, sorted."""
        try:
            folders = sorted(os.listdir(self._folder))
        except OSError:
            return
        for folder in folders:
            if len(folder) == _PREFIX:
                try:
                    names = sorted(os.listdir(self._folder / folder))
                except OSError:
                    continue
                yield from (folder + name for name in names if not name.startswith("."))

    def _path(self, key: str) -> Path:
        return self._folder / key[:_PREFIX] / key[_PREFIX:]


_PREFIX = 2


def _described(recorded: Recorded) -> list[object]:
    if recorded.members is not None:
        return [recorded.text, [_described(each) for each in recorded.members]]
    return [recorded.text, str(recorded.id) if recorded.id is not None else recorded.value, recorded.executable]
