"""Which stage needs which, and the order to run them in: without networkx, for what runs often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dvcx.model.pipeline import Pipeline


def producers(pipeline: Pipeline, pointers: Iterable[str] = ()) -> Mapping[str, tuple[str, ...]]:
    """Gives, by the address of each stage, what makes its dependencies: addresses of stages and paths of `pointers`.

    `pointers` are the project paths of tracked data (`Manifest.pointers`); what is made by one appears as the path of
    its pointer file. A file inside an output folder is made by the folder's stage, and a folder by all that make
    something inside it. Raises `DvcxError` for cycles, and for outputs that two stages or pointers claim.
    """
    raise NotImplementedError


def run_order(needs: Mapping[str, tuple[str, ...]], targets: Iterable[str] | None = None) -> list[str]:
    """Gives the addresses of the stages that `targets` need, themselves included, each after all that it needs.

    `needs` is what `producers` gives; without `targets` every stage is meant. Pointers are left out. The order is that
    of the files where needs leave it free.
    """
    raise NotImplementedError
