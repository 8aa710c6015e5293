"""Loading the pipeline of a revision: every `dvcx.yaml`, resolved to stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dvcx.base.errors import DamagedData, DvcxError
from dvcx.formats.params_text import parse_params
from dvcx.formats.yaml_values import LocatedDict
from dvcx.model.pipeline import Artifact, Pipeline, TopFile, TopPlot
from dvcx.model.stage import DEFAULT_PARAMS, ParamFile, Stage, stage_address
from dvcx.pipeline.build_stage import Definition, add_vars, build_stage
from dvcx.pipeline.context import Context, load_file
from dvcx.pipeline.filling import Filler
from dvcx.pipeline.flags import FlagStyle
from dvcx.pipeline.generate import JOIN, Generated, check_foreach, foreach_stages, matrix_stages
from dvcx.pipeline.pipeline_file import PipelineFile, check_keys, check_kind, read_pipeline_file
from dvcx.pipeline.shape import check_stage
from dvcx.pipeline.source import PipelineSource
from dvcx.pipeline.templates import TemplateError, kind_of
from dvcx.pipeline.top_level import top_artifacts, top_datasets, top_metrics, top_params, top_plots

DEFAULT_STYLE = FlagStyle()
MAX_STAGES = 300_000
"""The most stages of one project."""
_TOP_FIELDS: Mapping[str, object] = dict.fromkeys(
    ("stages", "vars", "params", "metrics", "plots", "artifacts", "datasets")
)
_BAD_IN_NAMES = frozenset("@:/\\$")


def load_pipeline(source: PipelineSource, flags: FlagStyle = DEFAULT_STYLE) -> Pipeline:
    """Gives all that the `dvcx.yaml` files of `source` declare, resolved. Runs no code and reads no data.

    Nothing is raised for files and stages that are wrong: they are in `broken`.
    """
    loader = _Loader(source, flags)
    for path in source.pipeline_files():
        loader.add_file(path)
    return loader.result()


@dataclass(slots=True)
class _Loader:
    """What is collected while the files are read, one after the other."""

    source: PipelineSource
    style: FlagStyle
    files: list[str] = field(default_factory=list)
    stages: dict[str, Stage] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    params: list[ParamFile] = field(default_factory=list)
    metrics: list[TopFile] = field(default_factory=list)
    plots: list[TopPlot] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    datasets: dict[str, Any] = field(default_factory=dict)
    broken: dict[str, DvcxError] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def result(self) -> Pipeline:
        return Pipeline(
            tuple(self.files),
            MappingProxyType(self.stages),
            MappingProxyType(self.groups),
            tuple(self.params),
            tuple(self.metrics),
            tuple(self.plots),
            tuple(self.artifacts),
            MappingProxyType(self.datasets),
            MappingProxyType(self.broken),
        )

    def add_file(self, path: str) -> None:
        try:
            data = self.source.read(path)
            if data is None:
                return
            self.files.append(path)
            file = read_pipeline_file(data, path)
            check_keys(file, file.top, _TOP_FIELDS, "a pipeline file")
            filler = Filler(file, self._context(file), self.style)
            self.params += top_params(filler)
            self.metrics += top_metrics(filler)
            self.plots += top_plots(filler)
            self.artifacts += top_artifacts(filler)
            datasets = top_datasets(filler)
            if datasets is not None:
                self.datasets[path] = datasets
            for definition in self._definitions(file):
                self._add_definition(definition, filler)
        except DvcxError as error:
            self.broken[path] = error

    def _definitions(self, file: PipelineFile) -> Iterator[Definition]:
        if file.top.get("stages") is None:
            return
        stages = check_kind(file, file.top, "stages", LocatedDict, "a mapping of names to stages")
        for name, fields in stages.items():
            if isinstance(fields, LocatedDict):
                yield Definition(file, str(name), fields, stages.keys_at[name])
            else:
                self.broken[stage_address(file.path, str(name))] = file.problem(
                    stages.values_at[name] if fields is not None else stages.keys_at[name],
                    f"the stage {name!r} is {kind_of(fields)}; its fields were expected",
                    "what it runs is the least: `cmd: COMMAND`",
                )

    def _context(self, file: PipelineFile) -> Context:
        """Gives the values for the templates of a file, from `params.yaml` beside it and its `vars`."""
        context = Context()
        if "${" not in file.text and "vars" not in file.top:
            return context
        default = f"{file.folder}/{DEFAULT_PARAMS}" if file.folder else DEFAULT_PARAMS
        if self.read_values(default) is not None:
            try:
                context = load_file(context, DEFAULT_PARAMS, file.folder, self.read_values)
            except TemplateError as error:
                raise DamagedData(f"{file.path}: {error.problem}", error.hint) from None
        if file.top.get("vars") is not None:
            check_kind(file, file.top, "vars", list, "a list of files and mappings")
            context = add_vars(file, context, file.top, file.folder, self.read_values)
        return context

    def read_values(self, path: str) -> Any | None:
        """Gives the values in a file of parameters, read once; None when there is none."""
        if path not in self.values:
            data = None if path.startswith(("/", "..")) else self.source.read(path)
            self.values[path] = None if data is None else parse_params(data, path)
        return self.values[path]

    def _add_definition(self, definition: Definition, filler: Filler) -> None:
        file, fields = definition.file, definition.fields
        address = stage_address(file.path, definition.name)
        try:
            _check_name(definition)
            if "foreach" in fields or "do" in fields:
                below = check_foreach(file, definition.name, fields)
                check_stage(file, definition.name, below, fields.keys_at["do"])
                inner = Definition(file, definition.name, below, definition.at)
                self._add_group(address, inner, foreach_stages(filler, fields))
                return
            check_stage(file, definition.name, fields, definition.at)
            if "matrix" in fields:
                self._add_group(address, definition, matrix_stages(filler, fields))
                return
            self._add(build_stage(definition, filler.context, self.style, self.read_values), definition)
        except DvcxError as error:
            self.broken[address] = error

    def _add_group(self, address: str, definition: Definition, generated: Iterator[Generated]) -> None:
        members: list[str] = []
        self.groups[address] = ()
        for each in generated:
            name = f"{definition.name}{JOIN}{each.key}"
            member = stage_address(definition.file.path, name)
            try:
                self._add(build_stage(definition, each.context, self.style, self.read_values, name), definition)
                members.append(member)
            except DvcxError as error:
                self.broken[member] = error
                if len(self.broken) > 100:  # the same mistake in all of them
                    break
        self.groups[address] = tuple(members)

    def _add(self, stage: Stage, definition: Definition) -> None:
        if len(self.stages) >= MAX_STAGES:
            raise definition.file.problem(definition.at, f"the project has more than {MAX_STAGES:,} stages")
        self.stages[stage.address] = stage


def _check_name(definition: Definition) -> None:
    name = definition.name
    bad = sorted({letter for letter in name if letter in _BAD_IN_NAMES or not letter.isprintable()})
    if bad or not name.strip() or name.endswith(".dvcx"):
        problem = f"cannot have {' '.join(bad)!r} in it" if bad else "is taken for something else"
        raise definition.file.problem(
            definition.at, f"the name {name!r} of a stage {problem}", "letters, digits, - and _ are always fine"
        )
