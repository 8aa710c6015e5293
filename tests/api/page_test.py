"""The blocks of the page about Python run as they stand there, one after the other."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from tests.api.conftest import far_away
from tests.api.libraries_test import table  # noqa: F401 - a fixture
from tests.docs.pages import DOCS
from tests.project import Project

pytestmark = pytest.mark.libraries


def test_the_page_about_python_is_true(
    table: Any,  # noqa: F811
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zarr, image = pytest.importorskip("zarr"), pytest.importorskip("PIL.Image")
    pytest.importorskip("polars")
    zarr.create_array(str(project.path / "array.zarr"), shape=(50, 50), chunks=(10, 10), dtype="int64")[:] = 7
    buffer = io.BytesIO()
    image.new("RGB", (64, 48)).save(buffer, "PNG")
    project.save({"images/one.png": buffer.getvalue()}, "images", "array.zarr")
    project.git("tag", "--force", "v1")
    far_away(project)
    monkeypatch.chdir(project.path)
    names: dict[str, Any] = {}
    page = (DOCS / "guides/python.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    for block in blocks:
        exec(compile(block, "docs/guides/python.md", "exec"), names)
    assert len(blocks) == 6
    assert names["frame"].shape == (30_000, 3) and len(names["half"].columns) == 1 and len(names["rows"]) == 30_000
    assert names["some"].num_rows == 10_000 and names["lazy"].collect().height == 10_000
    assert (names["corner"] == 7).all() and names["size"] == (64, 48)
    assert len(names["images"]) == 1 and [len(head) for head in names["heads"]] == [10, 10]
