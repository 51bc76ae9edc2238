"""The verdict worked out anew from an explanation's data alone, by other code than the engine's.

For whoever checks a verdict without trusting the engine: nothing of the product is used here. Three-valued logic over
the tree that docs/cql.md describes: and, or, not, comparisons, exists, conditions, memberships, queries and the
commonest operators. What stands in the data as a leaf (what the chart holds, a parameter, a literal) is
taken as it is; an operator that is not worked out here is taken too, and counted in `taken`. Every other node must come
to the value that the data state, else Disagreement.
"""

# ruff: noqa: ARG002  every kind of node is worked out with the same operands

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


class Disagreement(Exception):
    """The data state one value, and prove another."""


def outcome(data: Json, sets: Mapping[str, frozenset[tuple[str, str]]] | None = None) -> str:
    """The outcome of a criterion. `sets` are the codes of value sets by url, to check memberships against."""
    return Recheck(data, sets or {}).outcome()


class Recheck:
    """`known` are the defines that were already worked out for another criterion of the same judgement."""

    def __init__(
        self, data: Json, sets: Mapping[str, frozenset[tuple[str, str]]], known: dict[str, Any] | None = None
    ) -> None:
        self.data, self.sets = data, sets
        self.known: dict[str, Any] = {} if known is None else known
        self.done: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()

    def outcome(self) -> str:
        rule = self.data["rule"]
        if any("problem" in self.data["defines"][name] for name in rule.values() if name in self.data["defines"]):
            return "unknown"
        applies = self.define(rule["applies"]) if rule["applies"] else True
        evidence, test = self.define(rule["evidence"]), self.define(rule["test"])
        if applies is False:
            return "not-applicable"
        found = any(one.get("reference") for one in listed(evidence) if isinstance(one, dict))
        if applies is None or (not found and (rule["absence"] == "unknown" or rule["doubted"])) or test is None:
            return "unknown"
        return "met" if test else "not-met"

    # Nodes

    def define(self, name: str) -> Any:
        if name not in self.known:
            told = self.data["defines"][name]
            self.known[name] = self.of(told["tree"], {}) if told["tree"] else None
            agree(self.known[name], told["value"], name)
        return self.known[name]

    def of(self, node: Json, around: Mapping[str, Any]) -> Any:
        """The value of a node; `around` are the operands of the function whose body it stands in."""
        kind = node["kind"]
        if kind in ("literal", "parameter", "retrieve"):
            return node["value"]
        found = getattr(self, f"on_{kind}")(node, around)
        agree(found, node["value"], node)
        self.done[kind] += 1
        return found

    def each(self, nodes: Sequence[Json], around: Mapping[str, Any]) -> list[Any]:
        return [self.of(one, around) for one in nodes]

    def on_define(self, node: Json, around: Mapping[str, Any]) -> Any:
        return self.define(node["name"])

    def on_value(self, node: Json, around: Mapping[str, Any]) -> Any:
        """What the chart holds; an operand of a function, as it was given."""
        if "from" in node:
            self.of(node["from"], around)
        return around[node["operand"]] if node.get("operand") in around else node["value"]

    def on_call(self, node: Json, around: Mapping[str, Any]) -> Any:
        return self.of(node["body"], {name: self.of(one, around) for name, one in node["arguments"].items()})

    def on_and(self, node: Json, around: Mapping[str, Any]) -> Any:
        return kleene_and([*self.each(node["operands"], around), *node.get("others", ())], node)

    def on_or(self, node: Json, around: Mapping[str, Any]) -> Any:
        given = [*self.each(node["operands"], around), *node.get("others", ())]
        return negated(kleene_and([negated(one) for one in given], node))

    def on_not(self, node: Json, around: Mapping[str, Any]) -> Any:
        return negated(self.of(node["operands"][0], around))

    def on_xor(self, node: Json, around: Mapping[str, Any]) -> Any:
        left, right = self.each(node["operands"], around)
        return None if left is None or right is None else left != right

    def on_implies(self, node: Json, around: Mapping[str, Any]) -> Any:
        given = self.each(node["operands"], around)
        return negated(kleene_and([given[0], *map(negated, given[1:])], node))

    def on_is(self, node: Json, around: Mapping[str, Any]) -> bool:
        value = self.of(node["of"], around)
        return {"null": value is None, "true": value is True, "false": value is False}[node["test"]]

    def on_case(self, node: Json, around: Mapping[str, Any]) -> Any:
        met = [one is True for one in self.each(node["conditions"], around)]
        if any(met[:-1]) or (met and met[-1] is not node["taken"]):
            raise Disagreement(f"another branch: {node['conditions']}")
        return self.of(node["then"], around)

    def on_coalesce(self, node: Json, around: Mapping[str, Any]) -> Any:
        return next((one for one in self.each(node["operands"], around) if one is not None), None)

    def on_exists(self, node: Json, around: Mapping[str, Any]) -> bool:
        return any(one is not None for one in listed(self.of(node["of"], around)))

    def on_query(self, node: Json, around: Mapping[str, Any]) -> Any:
        sources = self.each(node["sources"], around)
        if "rows" not in node:
            return sources[0]
        lists = [listed(one) for one in sources]
        rows = [self.row(row, around) for row in node["rows"]]
        if len(rows) != math.prod(map(len, lists)):
            raise Disagreement(f"{len(rows)} rows over {[len(one) for one in lists]} elements")
        kept: list[Any] = []
        for row, (is_kept, gives), elements in zip(node["rows"], rows, itertools.product(*lists), strict=True):
            check_label(row, elements)
            if is_kept:
                kept.append(gives if "gives" in row else elements[0] if len(elements) == 1 else None)
        if not isinstance(node["value"], list):
            return kept[0] if kept else None
        if node.get("distinct"):
            kept = distinct(kept)
        return node["value"] if node.get("sorted") and same_elements(kept, node["value"]) else kept

    def row(self, row: Json, around: Mapping[str, Any]) -> tuple[bool, Any]:
        for one in row.get("lets", {}).values():
            self.of(one, around)
        tests = [self.inclusion(one, around) for one in row.get("inclusions", ())]
        tests += [self.of(row["where"], around) is True] if "where" in row else []
        if all(tests) is not row["kept"]:
            raise Disagreement(f"a row is kept or not: {row['of']}")
        return row["kept"], self.of(row["gives"], around) if "gives" in row else None

    def inclusion(self, told: Json, around: Mapping[str, Any]) -> bool:
        met = any(self.of(one["where"], around) is True for one in told["rows"])
        return met is (told["kind"] == "with")

    def on_in_value_set(self, node: Json, around: Mapping[str, Any]) -> bool:
        codes = code_keys(self.of(node["of"], around))
        matched = {(one["system"], one["code"]) for one in node["matched"]}
        members = self.sets.get(node["value_set"]["url"])
        if not matched <= codes or (members is not None and matched != codes & members):
            raise Disagreement(f"codes of {node['value_set']}")
        return bool(matched)

    def on_compare(self, node: Json, around: Mapping[str, Any]) -> Any:
        left, right = self.of(node["left"], around), self.of(node["right"], around)
        return compared(left, right, node["operator"], node.get("precision"))

    def on_operation(self, node: Json, around: Mapping[str, Any]) -> Any:
        operands = self.each(node["operands"], around)
        way = OPERATORS.get(node["operator"])
        if way is not None and "precision" not in node:
            if node["operator"] not in NULLS and any(one is None for one in operands):
                return None
            found = way(*operands)
            if found is not TAKEN:
                return found
        self.taken[node["operator"]] += 1
        return node["value"]


# --- Values -----------------------------------------------------------------------------------------------------------


def agree(found: Any, stated: Any, where: object) -> None:
    if not alike(found, stated):
        raise Disagreement(f"{found!r} is not {stated!r} in {where}")


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-8)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return bool(one == other)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def negated(value: bool | None) -> bool | None:
    return None if value is None else not value


def kleene_and(values: Sequence[bool | None], node: Json) -> bool | None:
    if False in values:
        return False
    if node.get("not_needed"):
        raise Disagreement("operands were left out that could have decided")
    return None if None in values else True


def distinct(values: list[Any]) -> list[Any]:
    return [one for i, one in enumerate(values) if not any(alike(one, other) for other in values[:i])]


def same_elements(one: list[Any], other: list[Any]) -> bool:
    rest = list(other)
    for value in one:
        match = next((i for i, candidate in enumerate(rest) if alike(value, candidate)), None)
        if match is None:
            return False
        rest.pop(match)
    return not rest


def check_label(row: Json, elements: Sequence[Any]) -> None:
    """A row's resource is the element of the source that stands there."""
    for label, element in zip(row["of"], elements, strict=True):
        if isinstance(element, dict) and element.keys() == {"reference"} and label != element:
            raise Disagreement(f"the row {label} stands where {element} is")


def code_keys(value: Any) -> set[tuple[str | None, str | None]]:
    if isinstance(value, list):
        return {key for one in value for key in code_keys(one)}
    if isinstance(value, str):
        return {(None, value)}
    if not isinstance(value, dict):
        return set()
    return {(one.get("system"), one.get("code")) for one in value.get("codes", [value])}


# --- Comparisons ------------------------------------------------------------------------------------------------------

_ORDER: Mapping[str, Callable[[int], bool]] = {
    "<": lambda sign: sign < 0, "before": lambda sign: sign < 0, ">": lambda sign: sign > 0,
    "after": lambda sign: sign > 0, "<=": lambda sign: sign <= 0, "on or before": lambda sign: sign <= 0,
    ">=": lambda sign: sign >= 0, "on or after": lambda sign: sign >= 0, "=": lambda sign: sign == 0,
    "same as": lambda sign: sign == 0,
}  # fmt: skip
_UNITS = ("year", "month", "day", "hour", "minute", "second", "millisecond")


def compared(left: Any, right: Any, operator: str, precision: str | None) -> bool | None:
    if operator in ("!=", "!~"):
        return negated(compared(left, right, "=" if operator == "!=" else "~", precision))
    if operator == "~":
        return equivalent(left, right)
    if operator == "contains":
        left, right, operator = right, left, "in"
    if operator == "in":
        return within(left, right, precision)
    if left is None or right is None:
        return None
    if operator == "=" and isinstance(left, (dict, list)) and not is_number(left):
        return alike(left, right)
    sign = order(left, right, precision)
    return None if sign is None else _ORDER[operator](sign)


def within(value: Any, holder: Any, precision: str | None) -> bool | None:
    if isinstance(holder, dict) and "lowClosed" in holder:
        if value is None:
            return None
        low = order(holder["low"], value, precision) if holder["low"] is not None else None
        high = order(value, holder["high"], precision) if holder["high"] is not None else None
        lower = bound_holds(low, holder["lowClosed"], holder["low"])
        tests = [lower, bound_holds(high, holder["highClosed"], holder["high"])]
        return False if False in tests else None if None in tests else True
    if holder is None:
        return False
    return any(alike(one, value) for one in holder)


def bound_holds(sign: int | None, closed: bool, bound: Any) -> bool | None:
    if bound is None:
        return True if closed else None
    return None if sign is None else sign < 0 or (sign == 0 and closed)


def equivalent(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    if isinstance(left, dict) and isinstance(right, dict) and ("code" in left or "codes" in left):
        return bool(code_keys(left) & code_keys(right))
    if isinstance(left, str) and isinstance(right, str) and not left.startswith("@"):
        return left.casefold() == right.casefold()
    return alike(left, right)


def is_number(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"value", "unit"}


def order(left: Any, right: Any, precision: str | None) -> int | None:
    """-1, 0, 1; None where a date is not known well enough, or units differ."""
    if isinstance(left, dict) and "uncertain" in left:
        signs = {order(one, right, None) for one in left["uncertain"].values()}
        return signs.pop() if len(signs) == 1 else None
    if is_number(left) and is_number(right):
        return order(left["value"], right["value"], None) if left["unit"] == right["unit"] else None
    if isinstance(left, str) and left.startswith("@") and isinstance(right, str):
        return order_of_days(parts_of(left), parts_of(right), precision)
    return int(left > right) - int(left < right)


def order_of_days(left: list[int], right: list[int], precision: str | None) -> int | None:
    limit = _UNITS.index(precision) + 1 if precision else max(len(left), len(right))
    for one, other in itertools.zip_longest(left[:limit], right[:limit]):
        if one is None or other is None:
            return None
        if one != other:
            return 1 if one > other else -1
    return 0


def parts_of(text: str) -> list[int]:
    """Year, month, day and on, as far as they are known; an instant in UTC."""
    day, _, time = text[1:].partition("T")
    if time and len(time) > 8 and ("+" in time or "Z" in time or "-" in time):
        moment = datetime.fromisoformat(text[1:]).astimezone(UTC)
        known = [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second]
        return [*known, moment.microsecond // 1000]
    clock = time.partition("+")[0].partition("-")[0].replace(".", ":")
    return [int(one) for one in [*day.split("-"), *clock.split(":")] if one]


# --- Operators --------------------------------------------------------------------------------------------------------


def union(left: list[Any] | None, right: list[Any] | None) -> list[Any]:
    return distinct([*listed(left), *listed(right)])


def first(values: list[Any]) -> Any:
    return values[0] if values else None


def last(values: list[Any]) -> Any:
    return values[-1] if values else None


def arithmetic(way: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """On two numbers, or two texts; dates and quantities are taken as they are."""

    def worked_out(left: Any, right: Any) -> Any:
        numbers = all(isinstance(one, (int, float)) for one in (left, right))
        texts = all(isinstance(one, str) and not one.startswith("@") for one in (left, right))
        return way(left, right) if numbers or texts else TAKEN

    return worked_out


def extreme(sign: int) -> Callable[[list[Any]], Any]:
    def found(values: list[Any]) -> Any:
        best = None
        for one in known(values):
            direction = 0 if best is None else order(one, best, None)
            if direction is None:
                return TAKEN
            best = one if best is None or direction == sign else best
        return best

    return found


def day_of(moment: str) -> str:
    return moment.partition("T")[0]


def known(values: list[Any]) -> list[Any]:
    return [one for one in values if one is not None]


def floor_of(value: float) -> int:
    return math.floor(round(value, 9))


TAKEN = object()
NULLS = frozenset({"Union", "Count", "List"})
OPERATORS: Mapping[str, Callable[..., Any]] = {
    "First": first, "Last": last, "Union": union, "DateFrom": day_of, "SingletonFrom": first,
    "Count": lambda values: len(known(listed(values))),
    "Sum": lambda values: sum(known(values)) if known(values) else None,
    "Floor": floor_of, "Ceiling": lambda value: -floor_of(-value), "ToDecimal": lambda value: value,
    "Multiply": arithmetic(lambda left, right: left * right), "Add": arithmetic(lambda left, right: left + right),
    "Subtract": arithmetic(lambda left, right: left - right), "Min": extreme(-1), "Max": extreme(1),
    "List": lambda *values: list(values),
    "Divide": lambda left, right: left / right if right else None,
    "StartsWith": lambda text, start: text.startswith(start), "EndsWith": lambda text, end: text.endswith(end),
    "Lower": lambda text: text.lower(), "Upper": lambda text: text.upper(),
    "PositionOf": lambda pattern, text: text.find(pattern),
}  # fmt: skip
