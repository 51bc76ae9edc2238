"""Values of primitive types: each checker says what is wrong with a JSON value, or None (FHIR R4 datatypes.html)."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Checker = Callable[[Any], str | None]

_MAX_STRING = 1_048_576
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SOLID = r"[^\s\x00-\x1f]"
_YEAR = r"(?!0000)[0-9]{4}"
_DATE = re.compile(rf"({_YEAR})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?")
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DATE_TIME = re.compile(rf"({_YEAR})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01])(?:T{_CLOCK}{_ZONE})?)?)?")
_INSTANT = re.compile(rf"({_YEAR})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T{_CLOCK}{_ZONE}")
_TIME = re.compile(_CLOCK)
_BASE64 = re.compile(r"[0-9a-zA-Z+/]+={0,2}")


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"a JSON string is needed, not {_kind(value)}"
    if not value:
        return "an empty string"
    if len(value) > _MAX_STRING:
        return "longer than 1 MB"
    return "a control character" if _CONTROL.search(value) else None


def _matching(pattern: str, what: str) -> Checker:
    compiled = re.compile(pattern)

    def check(value: Any) -> str | None:
        if isinstance(value, str) and len(value) <= _MAX_STRING and compiled.fullmatch(value):
            return None
        return _text(value) or f"not {what}"

    return check


def _dated(pattern: re.Pattern[str], what: str) -> Checker:
    def check(value: Any) -> str | None:
        match = pattern.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return _text(value) or f"not {what}"
        year, month, day = match.groups()[:3]
        if day is not None and int(day) > calendar.monthrange(int(year), int(month))[1]:
            return "a day that is not in the calendar"
        return None

    return check


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else f"true or false is needed, not {_kind(value)}"


def _whole(least: int) -> Checker:
    def check(value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return f"a whole JSON number is needed, not {_kind(value)}"
        return None if least <= value <= 2**31 - 1 else f"out of range: {least} to 2147483647"

    return check


def _decimal(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return f"a JSON number is needed, not {_kind(value)}"
    return None


def _base64(value: Any) -> str | None:
    problem = _text(value)
    if problem and "1 MB" not in problem:
        return problem
    solid = "".join(value.split())
    if not _BASE64.fullmatch(solid):
        return "not base64"
    return None if len(solid) % 4 == 0 else "not base64: its length is no multiple of 4"


_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _uri(what: str) -> Checker:
    is_uri = _matching(rf"{_SOLID}+", f"{what}: no blanks")

    def check(value: Any) -> str | None:
        problem = is_uri(value)
        if problem is None and value.startswith("urn:"):
            if value.startswith("urn:oid:") and not _OID.fullmatch(value):
                return "not an OID after urn:oid:"
            if value.startswith("urn:uuid:") and not _UUID.fullmatch(value):
                return "not a UUID after urn:uuid:"
        return problem

    return check


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "true or false"
        case str():
            return "a string"
        case int() | float() | Decimal():
            return "a number"
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            return "null"


CHECKERS: dict[str, Checker] = {
    "boolean": _boolean,
    "integer": _whole(-(2**31)),
    "unsignedInt": _whole(0),
    "positiveInt": _whole(1),
    "decimal": _decimal,
    "string": _text,
    "markdown": _text,
    "xhtml": _text,
    "code": _matching(rf"{_SOLID}+(?: {_SOLID}+)*", "a code: no blanks at the ends, none doubled"),
    "id": _matching(r"[A-Za-z0-9\-.]{1,64}", "an id: 1 to 64 of A-Z a-z 0-9 - ."),
    "uri": _uri("a URI"),
    "url": _uri("a URL"),
    "canonical": _uri("a canonical URL"),
    "oid": _matching(_OID.pattern, "an OID as urn:oid:…"),
    "uuid": _matching(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a UUID as urn:uuid:… in lower case"),
    "date": _dated(_DATE, "a date: YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": _dated(_DATE_TIME, "a dateTime: a date, or YYYY-MM-DDThh:mm:ss with a zone"),
    "instant": _dated(_INSTANT, "an instant: YYYY-MM-DDThh:mm:ss with a zone"),
    "time": _matching(_TIME.pattern, "a time: hh:mm:ss"),
    "base64Binary": _base64,
}
kind_of = _kind
