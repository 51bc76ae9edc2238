"""What nodes are worth: FHIR's JSON as FHIRPath's values; equality, equivalence and order of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from prior_auth.cql.values import numbers, temporal
from prior_auth.cql.values.core import Quantity
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.paths.own import moments
from prior_auth.paths.own.nodes import Node, Nodes
from prior_auth.paths.problem import PathError
from prior_auth.terminology import ucum

MOMENTS = (Date, DateTime, Time)
UCUM = "http://unitsofmeasure.org"
QUANTITIES = frozenset({"Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"})
_MOST_PARTS = 1_000_000
_READERS: Mapping[str, Callable[[str], Any]] = {
    "date": temporal.read_date,
    "dateTime": moments.read_date_time,
    "instant": moments.read_date_time,
    "time": temporal.read_time,
}


def single(nodes: Nodes) -> Node | None:
    if len(nodes) > 1:
        raise PathError("more than one value where one is needed")
    return nodes[0] if nodes else None


def truth(nodes: Nodes) -> bool | None:
    """A collection as a condition: None if empty; one value that is no boolean is true."""
    if not nodes:
        return None
    if len(nodes) > 1:
        raise PathError("a condition gave more than one answer")
    value = nodes[0][0]
    return value if isinstance(value, bool) else True


def plain(node: Node) -> Any:
    """A date, a quantity, a number or a text; the JSON of anything else, and of what cannot be read."""
    value = node[0]
    if isinstance(value, str):
        reader = _READERS.get(node[1])
        found = reader(value) if reader is not None else value
        return value if found is None else found
    if isinstance(value, dict):
        return (_quantity(value) or value) if node[1] in QUANTITIES else value
    if isinstance(value, float):
        return numbers.as_decimal(value)
    if node[1] == "decimal" and isinstance(value, int):
        return Decimal(value)
    return value


def _quantity(value: Mapping[str, Any]) -> Quantity | None:
    """None for a Quantity without a number, or with a comparator: a range is no number."""
    number = value.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float | Decimal) or value.get("comparator"):
        return None
    code, system = value.get("code") or value.get("unit"), value.get("system")
    if code is not None and system not in (None, UCUM):
        code = f"[{system}]{code}"  # a unit of another system is like itself only
    return Quantity(numbers.as_decimal(number), str(code) if code else "1")


def is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


# Equality


def equal(one: Node, other: Node) -> bool | None:
    """None where FHIRPath gives no answer: moments of unequal precision, units that do not compare."""
    a, b = one[0], other[0]
    if isinstance(a, str) and isinstance(b, str) and one[1] not in _READERS and other[1] not in _READERS:
        return a == b
    a, b = plain(one), plain(other)
    if isinstance(a, MOMENTS) or isinstance(b, MOMENTS):
        return _equal_moments(a, b)
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        return _equal_quantities(one, a, other, b)
    return same(a, b)


def _equal_moments(a: Any, b: Any) -> bool | None:
    if not isinstance(a, MOMENTS) or not isinstance(b, MOMENTS) or not moments.same_kind(a, b):
        return False
    found = moments.order(a, b)
    return None if found is None else found == 0


def _equal_quantities(one: Node, a: Any, other: Node, b: Any) -> bool | None:
    first, second = as_quantity(a), as_quantity(b)
    if first is None or second is None:
        both = one.type.removeprefix("System.") in QUANTITIES and other.type.removeprefix("System.") in QUANTITIES
        return None if both else False
    found = None if _lacks_unit(a, b) else order_of_quantities(first, second)
    return None if found is None else found == 0


def _lacks_unit(a: Any, b: Any) -> bool:
    """A bare number beside a quantity with a unit: 55 % is not under 50, though UCUM makes it 0.55."""
    one, other = (a, b) if isinstance(a, Quantity) else (b, a)
    return not isinstance(other, Quantity) and ucum.normal(one.unit) != "1"


def as_quantity(value: Any) -> Quantity | None:
    """A quantity, or a number as one without a unit."""
    if isinstance(value, Quantity):
        return value
    return Quantity(Decimal(value)) if is_number(value) else None


def same(a: Any, b: Any) -> bool:
    """JSON values alike: a boolean is no number, lists in order."""
    if a is b:
        return True
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(part, b[key]) for key, part in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


# Order


def order(one: Node, other: Node) -> int | None:
    """-1, 0 or 1; None where there is no answer. PathError for values that have no order."""
    a, b = plain(one), plain(other)
    if is_number(a) and is_number(b):
        return int(a > b) - int(a < b)
    if isinstance(a, MOMENTS) and isinstance(b, MOMENTS) and moments.same_kind(a, b):
        return moments.order(a, b)
    if isinstance(a, str) and isinstance(b, str):
        if one.type in _READERS or other.type in _READERS:
            raise PathError("a date that cannot be read")
        return int(a > b) - int(a < b)
    if a is None or b is None:
        return None
    if one.type.removeprefix("System.") in QUANTITIES or other.type.removeprefix("System.") in QUANTITIES:
        first, second = as_quantity(a), as_quantity(b)
        if first is not None and second is not None:
            return None if _lacks_unit(a, b) else order_of_quantities(first, second)
        if isinstance(a, dict | Quantity) and isinstance(b, dict | Quantity):
            return None  # a Quantity with a comparator, or without a number
    raise PathError("an order comparison of unlike values")


def order_of_quantities(a: Quantity, b: Quantity) -> int | None:
    value = b.value if a.unit == b.unit else ucum.convert(b.value, b.unit, a.unit)
    return None if value is None else int(a.value > value) - int(a.value < value)


# Equivalence


def equivalent(one: Node, other: Node) -> bool:
    """Never unknown. Texts ignore case and kind of space, numbers count to the digits of the less precise."""
    a, b = plain(one), plain(other)
    if isinstance(a, MOMENTS) and isinstance(b, MOMENTS):
        if not moments.same_kind(a, b) or not temporal.same_precision(a, b):
            return False
        return moments.order(a, b) == 0
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        first, second = as_quantity(a), as_quantity(b)
        return first is not None and second is not None and _equivalent_quantities(first, second)
    return _alike(a, b)


def _equivalent_quantities(a: Quantity, b: Quantity) -> bool:
    value = b.value if a.unit == b.unit else ucum.convert(b.value, b.unit, a.unit)
    if value is None:
        value = ucum.equivalent(b.value, b.unit, a.unit)
    return value is not None and _alike_numbers(a.value, value)


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, str) and isinstance(b, str):
        return _folded(a) == _folded(b)
    if is_number(a) and is_number(b):
        return _alike_numbers(Decimal(a), Decimal(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_alike(part, b[key]) for key, part in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and _matched(a, b, _alike)
    return bool(a == b)


def _alike_numbers(a: Decimal, b: Decimal) -> bool:
    a, b = numbers.plain(a), numbers.plain(b)
    step = Decimal(1).scaleb(-min(_digits(a), _digits(b)))
    return a.quantize(step, ROUND_HALF_UP, numbers.CONTEXT) == b.quantize(step, ROUND_HALF_UP, numbers.CONTEXT)


def _digits(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))


def _folded(text: str) -> str:
    return "".join(" " if character.isspace() else character for character in text.casefold())


def equivalent_collections(ones: Nodes, others: Nodes) -> bool:
    """The same values in any order."""
    return len(ones) == len(others) and _matched(ones, others, equivalent)


def _matched(ones: list[Any], others: list[Any], alike: Callable[[Any, Any], bool]) -> bool:
    left = list(others)
    for one in ones:
        found = next((at for at, other in enumerate(left) if alike(one, other)), None)
        if found is None:
            return False
        del left[found]
    return True


# Collections as sets


class Distinct:
    """The distinct nodes met so far, in order; `step` is told of the work that comparing takes."""

    def __init__(self, step: Callable[[int], None]) -> None:
        self._step = step
        self._keys: set[Any] = set()
        self._others: Nodes = []  # quantities mostly, whose equality no key can tell
        self.nodes: Nodes = []

    def add(self, node: Node) -> bool:
        """Whether the node is new."""
        key = self._key(node)
        if key is None:
            if self._is_among_others(node):
                return False
            self._others.append(node)
        elif key in self._keys:
            return False
        else:
            self._keys.add(key)
        self.nodes.append(node)
        return True

    def __contains__(self, node: Node) -> bool:
        key = self._key(node)
        return self._is_among_others(node) if key is None else key in self._keys

    def _is_among_others(self, node: Node) -> bool:
        self._step(1 + len(self._others))
        return any(equal(node, other) is True for other in self._others)

    def _key(self, node: Node) -> Any:
        value = node[0]
        if isinstance(value, dict):
            if node[1] in QUANTITIES:
                return None
            self._step(weight(node))
            return _frozen(value)
        if isinstance(value, str | int | Decimal) and node[1] not in _READERS:
            return "plain", isinstance(value, bool), value
        moment = plain(node)
        return moments.key(moment) if isinstance(moment, MOMENTS) else None


def _frozen(value: Any) -> Any:
    """Something hashable that JSON values share if and only if they are the `same`."""
    if isinstance(value, dict):
        return frozenset((key, _frozen(part)) for key, part in value.items())
    if isinstance(value, list):
        return tuple(_frozen(part) for part in value)
    return isinstance(value, bool), value


def weight(node: Node) -> int:
    """How much work comparing a node may be: its parts, a hundred to the step."""
    waiting, parts = [node[0]], 0
    while waiting and parts < _MOST_PARTS:
        value = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting.extend(inner)
        parts += len(inner)
    return 1 + parts // 100


def distinct(nodes: Nodes, step: Callable[[int], None]) -> Nodes:
    if len(nodes) < 2:
        return nodes
    found = Distinct(step)
    for one in nodes:
        found.add(one)
    return found.nodes
