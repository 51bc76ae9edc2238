"""An explanation in plain English: what was found, and what it was held against, as far as it decided."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prior_auth.cql.phrases import looked_for, place, references, relation, shown, turned

Json = Mapping[str, Any]
Describe = Callable[[str], str]
Arguments = Mapping[str, Any]  # what the operands of the function around a node stand for, each with its own

CONTENT, SELECTION, MISSING = "content", "selection", "missing"
# What tells which resource is meant, not what it says; of an Observation its code too.
_SELECTS = re.compile(
    r"^\w+\.(id|meta|status|subject|focus|reasonReference|extension|clinicalStatus)\b|^Observation\.code\b"
)
# Codes held against texts one by one: a way to select, too.
_CODING = re.compile(r"\.coding\b|\.(system|code)$")
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that decided. `reference` is the resource that it was read from; `text` does not name it.

    `kind` is `content` for what a resource says, `selection` for what made it count, `missing` for what is not there.
    """

    text: str
    reference: str | None = None
    kind: str = CONTENT


def sentences(explanation: Json, name: str | None = None, describe: Describe | None = None) -> list[str]:
    """What decided the define `name`, the first that was asked for if none is named; a sentence for each finding.

    `describe` puts a resource into words by its reference; without it, its code, its day and its reference are named.
    """
    say = describe or (lambda reference: described(explanation, reference))
    return list(dict.fromkeys(in_words(one, say) for one in findings(explanation, name)))


def findings(explanation: Json, name: str | None = None) -> list[Finding]:
    """What decided a define, the nearest cause first; what made a resource count only where nothing else is to say."""
    told = explanation["defines"][name or explanation["asked"][0]]
    if "problem" in told:
        return [Finding(f"the rule broke: {told['problem']}", kind=MISSING)]
    found = list(dict.fromkeys(_Walk(explanation["defines"]).of(told["tree"], {})))
    return ([one for one in found if one.kind is not SELECTION] or found)[:_SHOWN]


def described(explanation: Json, reference: str) -> str:
    """A resource by its code, its day and its reference."""
    one = explanation["resources"].get(reference, {})
    day = f" of {one['date'][:10]}" if "date" in one else ""
    return f"{one.get('name') or one.get('type') or 'Resource'}{day} ({reference})"


def in_words(finding: Finding, describe: Describe) -> str:
    text = f"{describe(finding.reference)}: {finding.text}" if finding.reference else finding.text
    return f"{text[:1].upper()}{text[1:]}."


class _Walk:
    """Goes down from a value to the comparisons, memberships and retrieves that made it what it is."""

    def __init__(self, defines: Json) -> None:
        self.defines = defines

    def of(self, node: Json, around: Arguments) -> Iterator[Finding]:
        way = getattr(self, f"on_{node['kind']}", None)
        if way is not None:
            yield from way(node, around)

    def each(self, nodes: Iterable[Json], around: Arguments) -> Iterator[Finding]:
        for one in nodes:
            yield from self.of(one, around)

    def on_define(self, node: Json, _: Arguments) -> Iterator[Finding]:
        tree = self.defines[node["name"]]["tree"]
        return iter(()) if tree is None else self.of(tree, {})

    def on_call(self, node: Json, around: Arguments) -> Iterator[Finding]:
        return self.of(node["body"], _inside(node, around))

    def on_and(self, node: Json, around: Arguments) -> Iterator[Finding]:
        return self.each(node["operands"], around)

    on_or = on_xor = on_implies = on_not = on_coalesce = on_and

    def on_is(self, node: Json, around: Arguments) -> Iterator[Finding]:
        of = node["of"]
        if node["test"] == "null" and of["kind"] == "value" and "path" in of:
            said = "is not stated" if node["value"] else f"is {shown(of)}"
            yield Finding(f"{place(of)} {said}", of.get("reference"), SELECTION)
        else:
            yield from self.of(of, around)

    def on_case(self, node: Json, around: Arguments) -> Iterator[Finding]:
        """What was taken; and the condition that led there, where it is about what a resource says."""
        then, conditions = node["then"], node["conditions"]
        taken = [*self.of(conditions[-1], around)] if conditions and conditions[-1]["value"] is True else []
        found = [*self.of(then, around)] if then["kind"] != "literal" else []
        if found:
            yield from (one for one in taken if one.kind is CONTENT)
            yield from found
        elif taken:
            yield from taken
        else:
            yield from self.each(conditions, around)

    # Lists

    def on_exists(self, node: Json, around: Arguments) -> Iterator[Finding]:
        way = self.there if node["value"] is True else self.missing
        return way(*self.resolved(node["of"], around))

    def resolved(self, node: Json, around: Arguments) -> tuple[Json, Arguments]:
        """The node that a name, a define or a call stands for."""
        while True:
            tree = self.defines[node["name"]]["tree"] if node["kind"] == "define" else None
            if node["kind"] == "value" and node.get("operand") in around and "path" not in node:
                node, around = around[node["operand"]]
            elif tree is not None:
                node, around = tree, {}
            elif node["kind"] == "call":
                node, around = node["body"], _inside(node, around)
            elif node["kind"] == "case":
                node = node["then"]
            else:
                return node, around

    def there(self, node: Json, around: Arguments) -> Iterator[Finding]:
        """Why a list has elements: the rows that passed, the resources that it is made of."""
        behind = self.behind(node, around)
        for i, row in enumerate(node.get("rows", ())):
            if row["kept"]:
                found = [*self.of(row["where"], around)] if "where" in row else []
                found += behind[i] if behind else []
                reference = next((one["reference"] for one in row["of"] if one.get("reference")), None)
                is_there = [Finding("is there", reference)] if reference else []
                yield from [one for one in found if one.kind is CONTENT] or is_there or found
        if "rows" not in node:
            yield from (Finding("is there", one) for one in references(node["value"]))

    def behind(self, query: Json, around: Arguments) -> list[list[Finding]]:
        """For each row of a query over what another one returns, what made that; empty where it is over none."""
        if len(query.get("sources", ())) != 1:
            return []
        source, within = self.resolved(query["sources"][0], around)
        given = [row["gives"] for row in source.get("rows", ()) if row["kept"] and "gives" in row]
        if len(given) != len(query.get("rows", ())):
            return []
        return [[*self.of(one, within)] for one in given]

    def missing(self, node: Json, around: Arguments) -> Iterator[Finding]:
        """Why a list has no elements: what was looked for, and what did not count because of its day."""
        if node["kind"] == "retrieve" and not node["value"]:
            yield Finding(f"nothing is found: {looked_for(node)}", kind=MISSING)
        elif node["kind"] == "query":
            yield from self.removed(node, around)
        elif node["kind"] == "operation":
            for one in node["operands"]:
                yield from self.missing(*self.resolved(one, around))
        elif node["kind"] == "value" and "path" in node:
            yield Finding(f"{place(node)} is not stated", node.get("reference"), SELECTION)

    def removed(self, query: Json, around: Arguments) -> Iterator[Finding]:
        rows = [one for one in query.get("rows", ()) if not one["kept"] and "where" in one]
        if not rows:
            for one in query["sources"]:
                yield from self.missing(*self.resolved(one, around))
            return
        behind = self.behind(query, around)
        found = [one for row in rows for one in self.of(row["where"], around)] + [
            one for part in behind for one in part
        ]
        of_resources = [one["of"][0] for one in rows if one["of"][0].get("reference") and "path" not in one["of"][0]]
        yield from (one for one in found if one.kind is CONTENT and len(rows) <= _SHOWN)
        if len(rows) > _SHOWN or not any(one.kind is CONTENT for one in found):
            kinds = dict.fromkeys(one["reference"].partition("/")[0] for one in of_resources)
            if kinds:
                number = "1 resource" if len(rows) == 1 else f"{len(rows)} resources"
                yield Finding(f"none counts of {number} of type {' or '.join(kinds)}", kind=MISSING)

    def on_query(self, node: Json, around: Arguments) -> Iterator[Finding]:
        kept = [row for row in node.get("rows", ()) if row["kept"]]
        for row in kept:
            if "gives" in row:
                yield from self.of(row["gives"], around)
        if not node["value"]:
            yield from self.missing(node, around)

    def on_retrieve(self, node: Json, around: Arguments) -> Iterator[Finding]:
        return self.missing(node, around)

    # Comparisons

    def on_compare(self, node: Json, around: Arguments) -> Iterator[Finding]:
        one, other, operator = node["left"], node["right"], node["operator"]
        source, held = self.sourced(one, around), self.sourced(other, around)
        if source is None and held is not None:
            one, other, source, held, operator = other, one, held, None, turned(operator)
        if source is None:
            yield from self.unsourced(node, around)
            return
        kind = CONTENT
        if _SELECTS.match(source["path"]) or (isinstance(one["value"], str) and _CODING.search(source["path"])):
            kind = SELECTION
        against = shown(self.resolved(other, around)[0] if other["kind"] == "value" else other, source)
        if held is not None and other["kind"] == "value" and held["reference"] != source["reference"]:
            against += f" of {held['reference']}"
        if one["value"] is None and one["kind"] != "value":
            yield from [*self.of(one, around)] or [Finding("a value cannot be worked out", source["reference"])]
            return
        if one["kind"] == "operation" and one["operator"] == "PositionOf":
            held_in = "does not hold" if relation(operator, node["value"], one) == "is less than" else "holds"
            text = f"{place(source)} {shown(source)} {held_in} {shown(self.resolved(one['operands'][0], around)[0])}"
        elif node["value"] is not None:
            text = f"{self.read(one, source, around)} {relation(operator, node['value'], one)} {against}"
        elif one["value"] is None:
            text = f"{place(source)} is not stated"
            text += "" if isinstance(other["value"], str) else f", so that nothing can be held against {against}"
        else:
            text = f"{self.read(one, source, around)} cannot be held against {against}"
        yield Finding(text, source["reference"], kind)

    def unsourced(self, node: Json, around: Arguments) -> Iterator[Finding]:
        """A comparison of what stands in no one resource: of a number of resources, else of what lies behind."""
        one, other, operator = node["left"], node["right"], node["operator"]
        said = f"{relation(operator, node['value'], one)} {shown(other)}"
        if one["kind"] == "operation" and one["operator"] == "Count":
            of = self.resolved(one["operands"][0], around)[0]["value"]
            counted = references(of)
            number = "none on record" if not one["value"] else f"{shown(one)} on record"
            about = counted[0] if len(counted) == 1 else None
            yield Finding(f"{number}, which {said}", about, CONTENT if counted or not of else SELECTION)
            return
        yield from [*self.of(one, around), *self.of(other, around)] or [Finding(f"{shown(one)} {said}")]

    def read(self, node: Json, source: Json, around: Arguments) -> str:
        """A value with the name of its element, and with what it was worked out from."""
        path, value = place(source), node["value"]
        if isinstance(value, str) and value.startswith("@"):
            return f"its day {shown(node)}" if _DAY.match(path) else f"{path} {shown(node)}"
        text = shown(node, source if value == source["value"] else None)
        if node["kind"] != "value" and value != source["value"] and isinstance(value, (int, float)):
            parts = dict.fromkeys(f"{place(one)} {shown(one)}" for one in self.sources(node, around))
            return f"{text} (worked out from {' and '.join(list(parts)[:_SHOWN])})"
        return text if _MAIN.match(path) else f"{path} {text}"

    def on_in_value_set(self, node: Json, around: Arguments) -> Iterator[Finding]:
        of = self.sourced(node["of"], around) or node["of"]
        what = node["value_set"].get("name") or node["value_set"]["url"]
        kind = SELECTION if _SELECTS.match(of.get("path") or "") else CONTENT
        if node["of"]["value"] is None:
            yield Finding(f"{place(of)} is not stated", of.get("reference"), SELECTION)
        else:
            said = "is in" if node["value"] else "is not in"
            yield Finding(f"{shown(node['of'])} {said} “{what}”", of.get("reference"), kind)

    def on_operation(self, node: Json, around: Arguments) -> Iterator[Finding]:
        operands, said = node["operands"], _TEXTS.get(node["operator"])
        if said is None or not isinstance(node["value"], bool):
            lacking = [one for one in operands if one["value"] is None] if node["value"] is None and not said else []
            yield from self.each(lacking or ([] if said else operands), around)
            return
        source = self.sourced(operands[0], around) or {}
        # A pattern is a way to recognise a thing by its name: it says nothing to a person.
        kind = SELECTION if node["operator"] == "Matches" or _SELECTS.match(source.get("path") or "") else CONTENT
        text = f"{shown(operands[0])} {said[0 if node['value'] else 1]} {shown(operands[1])}"
        yield Finding(text, source.get("reference"), kind)

    def on_value(self, node: Json, around: Arguments) -> Iterator[Finding]:
        if "path" in node:
            if node["value"] is None:
                yield Finding(f"{place(node)} is not stated", node.get("reference"))
            elif not references(node["value"]):
                yield Finding(f"{place(node)} is {shown(node)}", node.get("reference"))
        elif node.get("operand") in around:
            yield from self.of(*around[node["operand"]])
        if "from" in node and (node.get("reference") is None or node["value"] is None):
            yield from self.of(node["from"], around)

    def sourced(self, node: Json, around: Arguments) -> Json | None:
        """The element of a resource that a value comes from, where it comes from one."""
        return next(self.sources(node, around), None)

    def sources(self, node: Json, around: Arguments) -> Iterator[Json]:
        """Every element of a resource that a value comes from."""
        node, around = self.resolved(node, around)
        if node["kind"] == "value":
            within: list[Json] = []
            if node.get("reference") and "path" in node:
                yield node
        elif node["kind"] == "query":
            within = [row["gives"] for row in node.get("rows", ()) if row["kept"] and "gives" in row]
        elif node["kind"] == "coalesce":
            within = node["operands"][-1:]
        else:
            is_count = node.get("operator") == "Count"
            within = node["operands"] if node["kind"] == "operation" and not is_count else []
        for one in within:
            yield from self.sources(one, around)


_DAY = re.compile(r"^(effective|performed|authoredOn|onset|recordedDate|issued|date)")
_MAIN = re.compile(r"^(value|code\b|medication)")
_TEXTS = {
    "StartsWith": ("starts with", "does not start with"), "EndsWith": ("ends with", "does not end with"),
    "Matches": ("matches", "does not match"),
}  # fmt: skip


def _inside(call: Json, around: Arguments) -> Arguments:
    return {name: (one, around) for name, one in call["arguments"].items()}
