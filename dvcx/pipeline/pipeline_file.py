"""One `dvcx.yaml` as it was read: its values, and errors that show their place in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from dvcx.base.errors import DamagedData
from dvcx.formats.excerpt import FileProblem
from dvcx.formats.yaml_values import LocatedDict, LocatedList, read_yaml
from dvcx.model.stage import Place
from dvcx.pipeline.templates import TemplateError, kind_of

At = tuple[int, int]
"""A line and a column, from 0."""


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """A pipeline file: its project path, its text and what it holds."""

    path: str
    text: str
    top: LocatedDict

    @property
    def folder(self) -> str:
        """The project path of its folder, "" for the root."""
        return self.path.rpartition("/")[0]

    def place(self, at: At) -> Place:
        """Gives a place in it as people count."""
        return Place(self.path, at[0] + 1, at[1] + 1)

    def problem(self, at: At, problem: str, hint: str | None = None) -> FileProblem:
        """Gives the error that something at `at` cannot be used."""
        return FileProblem(self.text, self.path, at, problem, hint)

    def template_problem(self, at: At, text: object, error: TemplateError) -> FileProblem:
        """Gives the error for the template `text`, at the `${` that is wrong where that can be found."""
        hole = isinstance(text, str) and text[error.offset :].partition("}")[0]
        return self.problem(self._find(at, hole) if hole else at, error.problem, error.hint)

    def _find(self, at: At, wanted: str) -> At:
        lines = self.text.splitlines()
        for number in range(at[0], min(at[0] + 200, len(lines))):
            column = lines[number].find(wanted, at[1] if number == at[0] else 0)
            if column >= 0:
                return number, column
        return at


def read_pipeline_file(data: bytes, path: str) -> PipelineFile:
    """Reads the pipeline file at the project path `path`; raises `DamagedData`, mostly with the place."""
    top = read_yaml(data, path)
    text = data.decode("utf-8-sig")
    if top is None:
        top = LocatedDict((0, 0))
    if not isinstance(top, LocatedDict):
        raise DamagedData(f"{path} is {kind_of(top)}; a mapping with `stages` was expected")
    return PipelineFile(path, text, top)


def check_keys(file: PipelineFile, mapping: LocatedDict, known: Mapping[str, object], of_what: str) -> None:
    """Raises `FileProblem` at the first key of `mapping` that is not among the `known` ones."""
    for key in mapping:
        if key not in known:
            raise file.problem(mapping.keys_at[key], f"{of_what} has no field {key!r}", _meant(key, known))


def _meant(key: object, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(str(key), names, 1)
    return f"did you mean {close[0]!r}?" if close else f"the fields are {', '.join(names)}"


def check_kind(
    file: PipelineFile, mapping: LocatedDict, key: str, kinds: type | tuple[type, ...], expected: str
) -> Any:
    """Gives `mapping[key]`; raises `FileProblem` when it is of none of the `kinds`."""
    value = mapping[key]
    if not isinstance(value, kinds):
        raise file.problem(mapping.values_at[key], f"{key!r} is {kind_of(value)}; {expected} was expected")
    return value


def as_located_list(value: Any, at: At) -> LocatedList:
    """Gives `value` as a list with places: what is no list becomes a list of one, at `at`."""
    if isinstance(value, LocatedList):
        return value
    located = LocatedList(at)
    located.append(value)
    located.values_at.append(at)
    return located
