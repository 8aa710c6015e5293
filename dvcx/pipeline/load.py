"""Loading the pipeline of a revision: every `dvcx.yaml`, resolved to stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dvcx.model.pipeline import Pipeline
from dvcx.pipeline.source import PipelineSource


@dataclass(frozen=True, slots=True)
class FlagStyle:
    """How dictionaries become command-line flags: the settings `parsing.bool` and `parsing.list`."""

    bool: Literal["store_true", "boolean_optional"] = "store_true"
    list: Literal["nargs", "append"] = "nargs"


def load_pipeline(source: PipelineSource, flags: FlagStyle = FlagStyle()) -> Pipeline:
    """Gives all that the `dvcx.yaml` files of `source` declare, resolved. Runs no code and reads no data.

    Nothing is raised for files and stages that are wrong: they are in `broken`.
    """
    raise NotImplementedError
