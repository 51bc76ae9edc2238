"""Values, comparisons and retrieves of an explanation in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]

_SAID = {
    "=": ("is", "is not"), "!=": ("is not", "is"),
    "~": ("counts as", "does not count as"), "!~": ("does not count as", "counts as"),
    ">=": ("is at least", "is less than"), ">": ("is more than", "is not more than"),
    "<=": ("is at most", "is more than"), "<": ("is less than", "is not less than"),
    "in": ("is in", "is not in"), "contains": ("holds", "does not hold"),
    "before": ("is before", "is not before"), "after": ("is after", "is not after"),
    "on or before": ("is on or before", "is after"), "on or after": ("is on or after", "is before"),
    "same as": ("is the same as", "is not the same as"),
}  # fmt: skip
_OF_DATES = {">=": "on or after", ">": "after", "<=": "on or before", "<": "before"}
_TURNED = {
    "<": ">", "<=": ">=", ">": "<", ">=": "<=", "before": "after", "after": "before", "on or before": "on or after",
    "on or after": "on or before", "contains": "in", "in": "contains",
}  # fmt: skip
_CALLED = {
    "dosageInstruction.doseAndRate.doseQuantity": "dose",
    "dosageInstruction.timing.repeat.period": "interval between doses",
    "dosageInstruction.timing.repeat.periodUnit": "unit of the interval",
    "dosageInstruction.timing.repeat.frequency": "doses per interval",
    "dosageInstruction.timing.repeat.count": "number of doses",
    "dispenseRequest.quantity": "quantity",
    "dispenseRequest.validityPeriod.start": "first day",
    "dispenseRequest.validityPeriod.end": "last day",
    "birthDate": "date of birth",
}
_INDEX = re.compile(r"\[\d+\]")
_VALUE = re.compile(r"^value[A-Z]\w*")
_SHOWN = 4


def turned(operator: str) -> str:
    """The operator as seen from its right side."""
    return _TURNED.get(operator, operator)


def relation(operator: str, value: bool | None, left: Json) -> str:
    """`is at least`, `is before`: what a comparison came to, of dates in their own words."""
    if value is None:
        return "cannot be held against"
    if isinstance(left["value"], str) and left["value"].startswith("@"):
        operator = _OF_DATES.get(operator, operator)
    return _SAID[operator][0 if value else 1]


def looked_for(retrieve: Json) -> str:
    """`Observation “PD-L1” (83053-9)`, `Condition in “Breast cancer”`."""
    set_, codes, name = retrieve.get("value_set"), retrieve.get("codes"), retrieve.get("name")
    text, days = str(retrieve["type"]), retrieve.get("window")
    if set_:
        text = f"{text} in “{set_.get('name') or set_['url']}”"
    elif codes:
        listed = ", ".join(str(one["code"]) for one in codes[:_SHOWN])
        text = f"{text} “{name}” ({listed})" if name else f"{text} with code {listed}"
    return f"{text}, {_days(days)}" if days else text


def _days(window: Json) -> str:
    """`from 2025-10-17 to 2026-01-15`, the days alone."""
    told = [f"{word} {words(window[end])[:10]}" for word, end in (("from", "low"), ("to", "high")) if window.get(end)]
    return " ".join(told)


def place(node: Json) -> str:
    """The element in words: `dose`, `value`; else its path within its resource."""
    path = str(node.get("path") or "the value")
    within = (path.partition(".")[2] or path).removesuffix(".value")
    return _CALLED.get(_INDEX.sub("", within)) or _VALUE.sub("value", within)


def references(value: Any) -> list[str]:
    """The resources that a value consists of."""
    values = value if isinstance(value, list) else [value]
    return [one["reference"] for one in values if isinstance(one, dict) and one.get("reference") and "path" not in one]


def shown(node: Json, source: Json | None = None) -> str:
    """The value of a node in words: `60 %`, `2026-01-15`, `“Positive”`; the unit may be that of its `source`."""
    value, unit = node["value"], node.get("unit") or (source or {}).get("unit")
    if node["kind"] == "value" and "name" in node and isinstance(value, dict):
        return f"“{node['name']}”"
    if unit and unit != "1" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{words(value)} {unit.strip('{}')}"
    return words(value)


def words(value: Any) -> str:
    """A value in its normal form in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value[1:].removesuffix("T") if value.startswith("@") else f"“{value}”"
    if isinstance(value, list):
        listed = [words(one) for one in value[:_SHOWN]]
        return ", ".join(listed) + (f" and {len(value) - _SHOWN} more" if len(value) > _SHOWN else "")
    return _structure(value) if isinstance(value, dict) else str(value)


def _structure(value: Json) -> str:
    if "codes" in value:
        return str(value.get("display") or ", ".join(words(one) for one in value["codes"]) or "no code")
    if "code" in value:
        return str(value.get("display") or value["code"])
    if "low" in value and "high" in value:
        return f"{words(value['low'])} to {words(value['high'])}"
    if "value" in value:
        unit = value.get("unit")
        return f"{value.get('comparator') or ''}{words(value['value'])}" + (
            f" {unit}" if unit not in (None, "1") else ""
        )
    if "uncertain" in value:
        return f"{words(value['uncertain']['low'])} to {words(value['uncertain']['high'])}"
    named = value.get("reference") or value.get("valueset") or value.get("codesystem")
    return str(named or "a value of several parts")
