"""The documentation's pages, and the pieces of them that tests check."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_EXAMPLE = re.compile(r"<!-- example: (.+?) -->\n```[a-z]*\n(.*?)```", re.DOTALL)


def pages() -> list[Path]:
    """Gives every Markdown page of the project."""
    tops = [path for path in sorted(ROOT.glob("*.md")) if path.is_file()]
    return [*tops, *sorted(DOCS.rglob("*.md"))]


def examples(page: Path) -> dict[str, str]:
    """Gives the text of each fenced block below a line `<!-- example: NAME -->`, by its name."""
    found = _EXAMPLE.findall(page.read_text(encoding="utf-8"))
    assert len({name for name, _ in found}) == len(found), "two examples have one name"
    return dict(found)


def from_hexdump(text: str) -> bytes:
    """Gives the bytes that a dump in the form of `hexdump -C` shows."""
    data = bytearray()
    for line in text.splitlines():
        offset, rest = line.split("  ", 1)
        assert int(offset, 16) == len(data), f"the offset {offset} is wrong"
        data += bytes.fromhex(rest.split("|", 1)[0])
    return bytes(data)


def as_hexdump(data: bytes) -> str:
    """Gives the dump of `data` as `hexdump -C` prints it, without its last line."""
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        digits = f"{part[:8].hex(' ')}  {part[8:].hex(' ')}"
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{at:08x}  {digits:<49} |{text}|\n")
    return "".join(lines)
