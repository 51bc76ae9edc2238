"""Equality, equivalence and order of values: True, False or None for unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from prior_auth.cql.values import numbers, temporal
from prior_auth.cql.values.core import Code, Concept, Fhir, Interval, Quantity, Ratio, Vocabulary
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.cql.values.uncertain import Uncertain
from prior_auth.terminology import ucum

_PLAIN = frozenset({str, int, bool})
_MOMENTS = frozenset({Date, DateTime, Time})


def equal(left: Any, right: Any) -> bool | None:
    """CQL's `=`: None where a part is unknown and nothing else differs."""
    if left is None or right is None:
        return None
    if type(left) is type(right) and type(left) in _PLAIN:
        return bool(left == right)
    if isinstance(left, (Uncertain, int, Decimal)) or isinstance(right, Uncertain):
        return _equal_numbers(left, right)
    if isinstance(left, (list, tuple)):
        return _equal_lists(left, right)
    if type(left) in _MOMENTS:
        found = order(left, right)
        return temporal.same_second(left, right) if found is None else found == 0
    if isinstance(left, Quantity):
        if not isinstance(right, Quantity):
            return False
        found = order(left, right)
        return None if found is None else found == 0
    if isinstance(left, Interval):
        return _equal_intervals(left, right)
    if isinstance(left, dict):
        return _equal_tuples(left, right)
    return _equal_structures(left, right)


def _equal_numbers(left: Any, right: Any) -> bool | None:
    if isinstance(left, Uncertain) or isinstance(right, Uncertain):
        found = order(left, right)
        if found is None:
            return False if _apart(left, right) else None
        return found == 0
    if isinstance(left, bool) != isinstance(right, bool) or not isinstance(right, (int, Decimal)):
        return False
    return bool(left == right)


def _apart(left: Any, right: Any) -> bool:
    (a, b), (c, d) = _bounds(left), _bounds(right)
    return bool(b < c or d < a)


def _equal_lists(left: Sequence[Any], right: Any) -> bool | None:
    if not isinstance(right, (list, tuple)) or len(left) != len(right):
        return False
    # CQL 1.5: two nulls at the same place of two lists are equal.
    return _all(True if a is None and b is None else equal(a, b) for a, b in zip(left, right, strict=True))


def _equal_tuples(left: Mapping[str, Any], right: Any) -> bool | None:
    if not isinstance(right, dict) or left.keys() != right.keys():
        return False
    # The first element that is not equal decides, as the official suite has it: null before a difference is null.
    pairs = ((left[name], right[name]) for name in left)
    found = (True if a is None and b is None else equal(a, b) for a, b in pairs)
    return next((one for one in found if one is not True), True)


def _equal_intervals(left: Interval, right: Any) -> bool | None:
    from prior_auth.cql.values.intervals import end, start

    if not isinstance(right, Interval):
        return False
    return _all([equal(start(left), start(right)), equal(end(left), end(right))])


def _equal_structures(left: Any, right: Any) -> bool | None:
    if isinstance(left, Fhir):
        return isinstance(right, Fhir) and same_element(left, right)
    if isinstance(left, Ratio) and isinstance(right, Ratio):
        return _all([equal(left.numerator, right.numerator), equal(left.denominator, right.denominator)])
    if isinstance(left, Concept) and isinstance(right, Concept):
        return _all([_equal_lists(left.codes, right.codes), _both_null_or_equal(left.display, right.display)])
    if isinstance(left, Code) and isinstance(right, Code):
        return left == right
    return bool(left == right)


def _both_null_or_equal(left: Any, right: Any) -> bool | None:
    return True if left is None and right is None else equal(left, right)


def same_element(left: Fhir, right: Fhir) -> bool:
    """Two FHIR values with the same type and content."""
    if left is right or left.json is right.json:
        return True
    return left.type == right.type and left.json == right.json and (left.extra or None) == (right.extra or None)


def _all(found: Any) -> bool | None:
    known: bool | None = True
    for one in found:
        if one is False:
            return False
        if one is None:
            known = None
    return known


def order(left: Any, right: Any) -> int | None:
    """-1, 0 or 1; None where a value is null, unknown in part, or in an incomparable unit."""
    if left is None or right is None:
        return None
    kind = type(left)
    if kind is type(right) and kind in _MOMENTS:
        return temporal.order(left, right)
    if kind is Quantity:
        return _order_quantities(left, right)
    if kind in _MOMENTS:
        return _order_moments(left, right)
    if isinstance(left, Uncertain) or isinstance(right, Uncertain):
        (a, b), (c, d) = _bounds(left), _bounds(right)
        if b < c:
            return -1
        return 1 if d < a else (0 if a == b == c == d else None)
    return -1 if left < right else int(left > right)


def compare(left: Any, right: Any, operator: str) -> bool | None:
    """`<`, `<=`, `>`, `>=`; an uncertain number is decided where both its bounds agree."""
    if type(left) is Uncertain or type(right) is Uncertain:
        if left is None or right is None:
            return None
        (a, b), (c, d) = _bounds(left), _bounds(right)
        found = {_holds(x, y, operator) for x in (a, b) for y in (c, d)}
        return found.pop() if len(found) == 1 else None
    found_order = order(left, right)
    return None if found_order is None else _holds(found_order, 0, operator)


def _holds(left: Any, right: Any, operator: str) -> bool:
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    return bool(left > right) if operator == ">" else bool(left >= right)


def _bounds(value: Any) -> tuple[Any, Any]:
    return (value.low, value.high) if isinstance(value, Uncertain) else (value, value)


def _order_quantities(left: Quantity, right: Quantity) -> int | None:
    if left.unit == right.unit:
        value: Decimal | None = right.value
    else:
        value = ucum.convert(right.value, right.unit, left.unit)
    if value is None:
        return None
    return -1 if left.value < value else int(left.value > value)


def _order_moments(left: Any, right: Any) -> int | None:
    if {type(left), type(right)} == {Date, DateTime}:
        return temporal.order(DateTime(left.parts, left.offset), DateTime(right.parts, right.offset))
    return None


def equivalent(left: Any, right: Any) -> bool:
    """CQL's `~`: never unknown; null is equivalent to null."""
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, str) and isinstance(right, str):
        return _folded(left) == _folded(right)
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return _equivalent_decimals(left, right)
    if isinstance(left, (Date, DateTime, Time)):
        return temporal.same_precision(left, right) and equal(left, right) is True
    if isinstance(left, Quantity):
        return isinstance(right, Quantity) and _equivalent_quantities(left, right)
    if isinstance(left, Ratio) and isinstance(right, Ratio):
        return _equivalent_ratios(left, right)
    if isinstance(left, (Code, Concept, Vocabulary)):
        return _equivalent_terms(left, right)
    if isinstance(left, (list, tuple)):
        return isinstance(right, (list, tuple)) and len(left) == len(right) and all(map(equivalent, left, right))
    if isinstance(left, dict):
        return (
            isinstance(right, dict) and left.keys() == right.keys() and all(equivalent(left[k], right[k]) for k in left)
        )
    if isinstance(left, Interval) and isinstance(right, Interval):
        from prior_auth.cql.values.intervals import end, start

        return equivalent(start(left), start(right)) and equivalent(end(left), end(right))
    return equal(left, right) is True


def _folded(text: str) -> str:
    return "".join(" " if character.isspace() else character for character in text.casefold())


def _equivalent_decimals(left: Any, right: Any) -> bool:
    """At the precision of the less precise one, trailing zeros not counted."""
    if not isinstance(left, (int, Decimal)) or not isinstance(right, (int, Decimal)):
        return False
    a, b = numbers.plain(Decimal(left)), numbers.plain(Decimal(right))
    digits = max(int(a.as_tuple().exponent), int(b.as_tuple().exponent))
    step = Decimal(1).scaleb(digits)
    return a.quantize(step, ROUND_HALF_UP, numbers.CONTEXT) == b.quantize(step, ROUND_HALF_UP, numbers.CONTEXT)


def _equivalent_quantities(left: Quantity, right: Quantity) -> bool:
    if left.unit == right.unit:
        return left.value == right.value
    a, b = ucum.normal(left.unit), ucum.normal(right.unit)
    value = ucum.convert(right.value, b, a)
    if value is None:
        value = ucum.equivalent(right.value, b, a)
    return value is not None and value == left.value


def _equivalent_ratios(left: Ratio, right: Ratio) -> bool:
    from prior_auth.cql.values.quantities import divide

    a, b = divide(left.numerator, left.denominator), divide(right.numerator, right.denominator)
    return equivalent(a, b)


def _equivalent_terms(left: Any, right: Any) -> bool:
    if isinstance(left, Vocabulary):
        return isinstance(right, Vocabulary) and left.id == right.id
    if not isinstance(right, (Code, Concept)):
        return False
    ours = left.codes if isinstance(left, Concept) else (left,)
    theirs = right.codes if isinstance(right, Concept) else (right,)
    keys = {(code.system, code.code) for code in theirs if code is not None}
    return any((code.system, code.code) in keys for code in ours if code is not None)


def key(value: Any) -> Any:
    """Something hashable that equal values share, or None where only comparison can tell."""
    kind = type(value)
    if value is None or kind in _PLAIN:
        return (kind, value)
    if kind is Fhir:
        if isinstance(value.json, (str, int)) and not value.extra:
            return (value.type, value.json)
        return value.reference
    return None


class Members:
    """The distinct values met so far; `step` is told of the work that comparing takes."""

    def __init__(self, step: Callable[[int], None], values: Iterable[Any] = ()) -> None:
        self._step = step
        self._keyed: dict[Any, list[Any]] = {}
        self._others: list[Any] = []
        for value in values:
            self.add(value)

    def add(self, value: Any) -> bool:
        """Whether the value is new."""
        if value in self:
            return False
        mark = key(value)
        (self._others if mark is None else self._keyed.setdefault(mark, [])).append(value)
        return True

    def __contains__(self, value: Any) -> bool:
        mark = key(value)
        if mark is None:
            self._step(1 + len(self._others) // 4)
            return any(equal(value, other) is True for other in self._others)
        known = self._keyed.get(mark)
        if not known:
            return False
        return not isinstance(value, Fhir) or any(same_element(value, other) for other in known)


def distinct(values: Iterable[Any], step: Callable[[int], None]) -> list[Any]:
    """The first of each group of equal values, nulls once."""
    members = Members(step)
    return [value for value in values if members.add(value)]
