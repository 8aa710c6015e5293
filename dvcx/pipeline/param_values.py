"""The values of parameters that stages depend on, each file read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dvcx.formats.params_text import find_param, parse_params
from dvcx.model.stage import ParamFile


class ParamValues:
    """Values from the files of one revision; `read` gives the content of a project path, None when there is none."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._files: dict[str, Any] = {}

    def of(self, file: ParamFile) -> Mapping[str, Any]:
        """Gives the values by key, without keys that the file does not have; of a whole file its top keys.

        Raises `DamagedData` for a file that cannot be read.
        """
        values = self.file(file.path)
        if file.keys is None:
            return values if isinstance(values, dict) else {} if values is None else {"": values}
        found = {}
        for key in file.keys:
            try:
                found[key] = find_param(values, key)
            except KeyError:
                continue
        return found

    def file(self, path: str) -> Any:
        """Gives all that a file holds, None when it is not there. Raises `DamagedData` for one that cannot be read."""
        if path not in self._files:
            data = self._read(path)
            self._files[path] = None if data is None else parse_params(data, path)
        return self._files[path]
