from __future__ import annotations

from dvcx.storage.stores.kinds import KINDS
from tests.docs.remote_options import FOLDER, wrong_pages


def test_every_kind_of_remote_has_a_page_with_all_of_its_options() -> None:
    assert {kind.extra for kind in KINDS} <= {page.stem for page in FOLDER.glob("*.md")}
    assert wrong_pages() == [], "run `python -m tests.docs.remote_options`"
    for kind in KINDS:
        page = (FOLDER / f"{kind.extra}.md").read_text(encoding="utf-8")
        assert f"<!-- options: {kind.extra} -->" in page and kind.install in page
