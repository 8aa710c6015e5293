"""What people read data with, on `dvcx://`: each as its own documentation says, with data that only the remote has."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

import dvcx
from tests.api.conftest import far_away
from tests.project import Project

pytestmark = pytest.mark.libraries


@pytest.fixture
def options(project: Project) -> dict[str, Any]:
    return {"repo": str(project.path), "rev": "v1"}


@pytest.fixture
def table(project: Project) -> Any:
    """A table of 30,000 rows as Parquet, CSV and a partitioned dataset, at the tag v1; a later one has other rows."""
    pa, pq, dataset = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet", "pyarrow.dataset"))
    numbers = list(range(30_000))
    table = pa.table({"n": numbers, "half": [n / 2 for n in numbers], "part": [n % 3 for n in numbers]})
    folder = project.path / "data"
    folder.mkdir()
    pq.write_table(table, folder / "t.parquet", row_group_size=5000, compression="none")
    (folder / "t.csv").write_text("n,half\n" + "".join(f"{n},{n / 2}\n" for n in numbers))
    parts = dataset.partitioning(pa.schema([("part", pa.int64())]), flavor="hive")
    dataset.write_dataset(table, folder / "parts", format="parquet", partitioning=parts)
    project.dvcx("add", "data").ok()
    project.commit(message="v1")
    project.git("tag", "v1")
    far_away(project)
    return table


def test_pandas_reads_parquet_and_csv(table: Any, options: dict[str, Any]) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet("dvcx://data/t.parquet", storage_options=options)
    assert frame.equals(table.to_pandas())
    few = pandas.read_parquet("dvcx://data/t.parquet", columns=["half"], storage_options=options)
    assert list(few.columns) == ["half"] and few["half"].sum() == frame["half"].sum()
    rows = pandas.read_csv("dvcx://data/t.csv", storage_options=options)
    assert rows["n"].sum() == frame["n"].sum()


def test_pandas_reads_a_url_without_options(table: Any, project: Project) -> None:
    pandas = pytest.importorskip("pandas")
    url = dvcx.get_url("data/t.csv", project.path, "v1")
    assert len(pandas.read_csv(url)) == 30_000


def test_pyarrow_reads_a_dataset_of_many_files(table: Any, options: dict[str, Any]) -> None:
    import fsspec

    dataset = pytest.importorskip("pyarrow.dataset")
    fs = fsspec.filesystem("dvcx", **options)
    found = dataset.dataset("data/parts", filesystem=fs, format="parquet", partitioning="hive")
    assert found.count_rows() == 30_000
    some = found.to_table(filter=dataset.field("part") == 1, columns=["n"])
    assert some.num_rows == 10_000 and set(some["n"].to_pylist()) == set(range(1, 30_000, 3))


def test_polars_reads_parquet_and_csv(table: Any, options: dict[str, Any], project: Project) -> None:
    polars = pytest.importorskip("polars")
    with dvcx.open("data/t.csv", project.path, "v1") as file:
        assert polars.read_csv(file)["n"].sum() == sum(range(30_000))
    with dvcx.open("data/t.parquet", project.path, "v1") as file:
        assert polars.read_parquet(file)["half"].sum() == sum(range(30_000)) / 2
    dataset = pytest.importorskip("pyarrow.dataset")
    import fsspec

    lazy = polars.scan_pyarrow_dataset(dataset.dataset("data/parts", filesystem=fsspec.filesystem("dvcx", **options)))
    assert lazy.select(polars.len()).collect().item() == 30_000


def test_zarr_reads_an_array(project: Project, options: dict[str, Any]) -> None:
    zarr, numpy = pytest.importorskip("zarr"), pytest.importorskip("numpy")
    wanted = numpy.arange(250_000, dtype="int64").reshape(500, 500)
    array = zarr.create_array(str(project.path / "array.zarr"), shape=(500, 500), chunks=(100, 100), dtype="int64")
    array[:] = wanted
    project.dvcx("add", "array.zarr").ok()
    project.commit(message="array")
    project.git("tag", "v1")
    far_away(project)
    read = zarr.open_array("dvcx://array.zarr", mode="r", storage_options=options)
    assert (read[150:250, 40:60] == wanted[150:250, 40:60]).all()
    assert (read[:] == wanted).all()
    with pytest.raises(Exception, match=r"(?i)read"):
        zarr.open_array("dvcx://array.zarr", mode="a", storage_options=options)[0, 0] = 1


def test_pil_opens_an_image(project: Project, options: dict[str, Any]) -> None:
    image = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    image.new("RGB", (64, 48), (10, 200, 30)).save(buffer, "PNG")
    project.save({"images/one.png": buffer.getvalue()}, "images", tag="v1")
    far_away(project)
    with dvcx.open("images/one.png", project.path, "v1") as file, image.open(file) as opened:
        assert (opened.size, opened.getpixel((5, 5))) == ((64, 48), (10, 200, 30))


def test_what_they_cannot_find_is_an_error_they_know(table: Any, options: dict[str, Any], tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(FileNotFoundError):
        pandas.read_csv("dvcx://data/nothing.csv", storage_options=options)
