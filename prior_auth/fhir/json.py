"""FHIR's JSON, lossless: decimals keep their digits, unknown elements stay; what is not JSON is refused by place."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from prior_auth.errors import BadInput

MAX_DEPTH = 64
MAX_BYTES = 64 * 1024 * 1024

# Longer numbers mean nothing in FHIR and cost much: 1e999999999 as an integer fills the memory.
_MAX_DIGITS = 60
_MAX_EXPONENT = 400
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
_ELEMENT_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_encoder = msgspec.json.Encoder(decimal_format="number")
_canonical = msgspec.json.Encoder(decimal_format="number", order="deterministic")


class _DuplicateKey(Exception):
    pass


class _BadNumber(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def read(data: bytes | str, *, name: str | None = None, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Parse one JSON object; numbers with a point or an exponent become Decimal, with every digit.

    `name` (a file, a URL) opens the `where` of errors, which goes on with line and column. Raises BadInput on
    malformed JSON, duplicate keys, anything but an object, more than 64 levels, more than `max_bytes`, NaN.
    """
    text = _decode(data, name, max_bytes)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_float=_decimal, parse_int=_integer, parse_constant=_constant
        )
    except json.JSONDecodeError as problem:
        message = f"not JSON: {problem.msg[:1].lower()}{problem.msg[1:]}"
        raise BadInput(message, where=_place(name, text, problem.pos), fix="mend the JSON at this place") from None
    except _DuplicateKey:
        raise _duplicate(text, name) from None
    except _BadNumber as problem:
        where = _place(name, text, _offset_of_number(text, problem.text))
        raise BadInput(
            "not a number that FHIR knows", where=where, fix="use a decimal number of at most 60 digits"
        ) from None
    except RecursionError:
        raise _too_deep(text, name) from None
    if not isinstance(value, dict):
        raise BadInput(
            "not a JSON object", where=_place(name, text, 0), fix="send one resource, such as a Bundle, as an object"
        )
    if _is_deeper(value, MAX_DEPTH):
        raise _too_deep(text, name)
    if "\\u" in text and any(_LONE_SURROGATE.search(string) for string in _strings(value)):
        raise BadInput("half of a surrogate pair in a string", where=name, fix="write the character as UTF-8")
    return value


def write(value: Any) -> bytes:
    """Compact UTF-8 JSON in the order of keys as they are; Decimals with every digit they hold.

    The only change of spelling is in very small or large numbers (`0.00000010` becomes `1.0E-7`).
    """
    return _encoder.encode(value)


def content_hash(value: Any) -> str:
    """SHA-256 of the meaning: the same object with its keys in another order or other white space is the same."""
    return hashlib.sha256(_canonical.encode(value)).hexdigest()


def _decode(data: bytes | str, name: str | None, max_bytes: int) -> str:
    size = len(data)
    if size > max_bytes:
        raise BadInput(f"{size} bytes are more than the {max_bytes} allowed", where=name, fix="send a smaller Bundle")
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        readable = data[: problem.start].decode("utf-8-sig")
        where = _place(name, readable, len(readable))
        raise BadInput("not UTF-8", where=where, fix="send JSON in UTF-8") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateKey
    return members


def _decimal(text: str) -> Decimal:
    if len(text) > _MAX_DIGITS:
        raise _BadNumber(text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _BadNumber(text) from None
    if abs(number.adjusted()) > _MAX_EXPONENT:
        raise _BadNumber(text)
    return number


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise _BadNumber(text)
    return int(text)


def _constant(text: str) -> Any:
    raise _BadNumber(text)


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    return any(_is_deeper(part, levels - 1) for part in (value.values() if isinstance(value, dict) else value))


def _too_deep(text: str, name: str | None) -> BadInput:
    """With the place of the first bracket too many."""
    levels = 0
    for token in _TOKEN.finditer(text):
        levels += (token.group() in "{[") - (token.group() in "}]")
        if levels > MAX_DEPTH:
            break
    where = _place(name, text, token.start())
    return BadInput(f"nested deeper than {MAX_DEPTH} levels", where=where, fix="send a flatter resource")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def _place(name: str | None, text: str, offset: int) -> str:
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return f"{name}:{line}:{column}" if name else f"line {line}, column {column}"


def _offset_of_number(text: str, number: str) -> int:
    return next((token.start() for token in _TOKEN.finditer(text) if token.group() == number), 0)


def _duplicate(text: str, name: str | None) -> BadInput:
    """Find the second of two equal keys: the parser says only that there is one."""
    keys_of_open: list[set[str] | None] = []
    tokens = list(_TOKEN.finditer(text))
    for token, following in itertools.pairwise(tokens):
        word = token.group()
        if word == "{":
            keys_of_open.append(set())
        elif word == "[":
            keys_of_open.append(None)
        elif word in "}]":
            keys_of_open.pop()
        elif following.group() == ":" and keys_of_open and (keys := keys_of_open[-1]) is not None:
            key = json.loads(word)
            if key in keys:
                shown = f"the key {key!r}" if _ELEMENT_NAME.fullmatch(key) else "a key"
                where = _place(name, text, token.start())
                return BadInput(f"{shown} stands twice in one object", where=where, fix="keep one of them")
            keys.add(key)
    return BadInput("a key stands twice in one object", where=name, fix="keep one of them")
