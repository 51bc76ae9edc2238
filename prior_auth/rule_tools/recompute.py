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
from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth.rule_tools.recompute_values import (
    NULLS,
    OPERATORS,
    TAKEN,
    Disagreement,
    agree,
    check_label,
    code_keys,
    compared,
    distinct,
    is_beyond,
    kleene_and,
    listed,
    negated,
    same_elements,
)

Json = dict[str, Any]


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
        if rule["broken"]:
            return self.broken(rule["broken"])
        applies = self.define(rule["applies"]) if rule["applies"] else True
        evidence, test = self.define(rule["evidence"]), self.define(rule["test"])
        if applies is False:
            return "not-applicable"
        if rule["awaited"]:
            return "unknown"
        searched = self.define(rule["presumed"]) if "presumed" in rule else evidence
        found = any(one.get("reference") for one in listed(searched) if isinstance(one, dict))
        if applies is None or (not found and (rule["absence"] == "unknown" or rule["doubted"])) or test is None:
            return "unknown"
        return "met" if test else "not-met"

    def broken(self, names: Sequence[str]) -> str:
        """A rule that breaks answers nothing; that it broke is taken as it is told."""
        if not all("problem" in self.data["defines"][one] for one in names):
            raise Disagreement(f"{names} did not break")
        return "unknown"

    # Nodes

    def define(self, name: str) -> Any:
        if name not in self.known:
            told = self.data["defines"][name]
            agree(self.of(told["tree"], {}) if told["tree"] else None, told["value"], name)
            self.known[name] = told["value"]
        return self.known[name]

    def of(self, node: Json, around: Mapping[str, Any]) -> Any:
        """The value of a node; `around` are the operands of the function whose body it stands in."""
        kind = node["kind"]
        if kind in ("literal", "parameter", "retrieve"):
            return node["value"]
        found = getattr(self, f"on_{kind}")(node, around)
        agree(found, node["value"], node)
        self.done[kind] += 1
        return node["value"]  # as CQL rounds it

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
            return self.sorted(sources[0], node)
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
        return self.sorted(distinct(kept) if node.get("distinct") else kept, node)

    def sorted(self, values: Any, node: Json) -> Any:
        """The same elements in the order of the data, where the query sorts them: the order is taken as it is."""
        return node["value"] if node.get("sorted") and same_elements(values, node["value"]) else values

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
        if is_beyond(left, right, node.get("precision")):
            self.taken["compare"] += 1
            return node["value"]
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
