"""Results as JSON: one document, the same for every kind of value."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from enum import Enum
from pathlib import PurePath

import msgspec

# JSON itself escapes C0 only. These are legal in it, but a terminal may act on them.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def document(result: object, indent: int = 0) -> str:
    """Gives `result` as the text of one JSON document: on one line, or indented by `indent` spaces.

    Structs and dataclasses become objects with their fields; a value with a text form of its own (an `ObjectId`) is
    written as that text, an enum as its value, a time in the form of ISO 8601, a path as its text, bytes as hex digits.
    """
    value = plain(result)
    try:
        encoded = msgspec.json.encode(value)
    except UnicodeEncodeError:  # a name that is not UTF-8: only the standard library writes its lone surrogates
        return json.dumps(value, indent=indent or None, separators=None if indent else (",", ":"))
    if indent:
        encoded = msgspec.json.format(encoded, indent=indent)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", encoded.decode("utf-8"))


def plain(value: object) -> object:
    """Gives `value` made of nothing but what JSON has: None, booleans, numbers, text, lists and objects."""
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return value.hex()
    return _plain_object(value)


def _plain_object(value: object) -> object:
    if isinstance(value, PurePath) or type(value).__str__ is not object.__str__:
        return str(value)
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, AbstractSet):
        return sorted((plain(item) for item in value), key=str)
    raise TypeError(f"no JSON form for {type(value).__name__}")
