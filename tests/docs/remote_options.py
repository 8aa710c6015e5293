"""The tables of options in docs/guides/remotes, made from what dvcx takes: `python -m tests.docs.remote_options`."""

from __future__ import annotations

import re
from pathlib import Path

from dvcx.storage.stores.kinds import KINDS
from tests.docs.pages import DOCS

FOLDER = DOCS / "guides/remotes"
_PLACE = re.compile(r"<!-- options: (\w+) -->\n(?:\n?\|.*\n)*")


def table(extra: str) -> str:
    """Gives the table of the options of one kind of store."""
    kind = next(kind for kind in KINDS if kind.extra == extra)
    rows = [
        f"| `{option.name}` | {', '.join(f'`{choice}`' for choice in option.choices) or option.takes.value} | "
        f"{option.about} |\n"
        for option in kind.options or ()
    ]
    return f"<!-- options: {extra} -->\n\n| option | takes | |\n| --- | --- | --- |\n{''.join(rows)}"


def with_tables(text: str) -> str:
    """Gives the text of a page with its tables as they should be."""
    return _PLACE.sub(lambda found: table(found.group(1)), text)


def wrong_pages() -> list[Path]:
    """Gives the pages whose tables are not as they should be."""
    pages = sorted(FOLDER.glob("*.md"))
    return [page for page in pages if with_tables(page.read_text(encoding="utf-8")) != page.read_text(encoding="utf-8")]


if __name__ == "__main__":
    for page in wrong_pages():
        page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
