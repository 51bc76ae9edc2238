"""An explanation as an indented outline: each define, function, condition, comparison and retrieve with its value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.cql.phrases import looked_for, shown, words

Json = Mapping[str, Any]
Line = tuple[int, str]
_SHOWN = 8


def outline(explanation: Json, name: str | None = None) -> list[str]:
    """How the define `name`, the first that was asked for if none is named, came to its value; each define once."""
    top = {"kind": "define", "name": name or explanation["asked"][0]}
    return ["  " * depth + text for depth, text in _Outline(explanation["defines"]).define(top, 0)]


class _Outline:
    def __init__(self, defines: Json) -> None:
        self.defines = defines
        self.told: set[str] = set()

    def of(self, node: Json, depth: int) -> Iterator[Line]:
        kind = node["kind"]
        if kind == "define":
            return self.define(node, depth)
        way = getattr(self, f"on_{kind}", None)
        return way(node, depth) if way is not None else iter([(depth, self.leaf(node))])

    def each(self, nodes: Any, depth: int) -> Iterator[Line]:
        for one in nodes:
            yield from self.of(one, depth)

    def define(self, node: Json, depth: int) -> Iterator[Line]:
        name = node["name"]
        told = self.defines[name]
        title = f"“{name.partition('.')[2]}”"
        if "problem" in told:
            yield depth, f"{title} broke: {told['problem']}"
        elif name in self.told or told["tree"]["kind"] == "retrieve":
            again = " (above)" if name in self.told else f", {looked_for(told['tree'])}"
            yield depth, f"{title} = {words(told['value'])}{again}"
        else:
            self.told.add(name)
            yield depth, f"{title} = {words(told['value'])}"
            yield from self.of(told["tree"], depth + 1)

    def on_call(self, node: Json, depth: int) -> Iterator[Line]:
        yield depth, f"{node['function']}({', '.join(node['arguments'])}) = {words(node['value'])}"
        yield from self.each((one for one in node["arguments"].values() if not _plain(one)), depth + 1)
        yield from self.of(node["body"], depth + 1)

    def on_and(self, node: Json, depth: int) -> Iterator[Line]:
        rest = [words(one) for one in node.get("others", ())]
        rest += [f"{node['not_needed']} not needed"] if node.get("not_needed") else []
        beside = f" (besides: {', '.join(rest)})" if rest else ""
        yield depth, f"{node['kind']} = {words(node['value'])}{beside}"
        yield from self.each(node["operands"], depth + 1)

    on_or = on_not = on_xor = on_implies = on_and

    def on_is(self, node: Json, depth: int) -> Iterator[Line]:
        yield depth, f"is {node['test']} = {words(node['value'])}"
        yield from self.of(node["of"], depth + 1)

    def on_case(self, node: Json, depth: int) -> Iterator[Line]:
        """The condition that was taken; where none was, all that failed."""
        for one in node["conditions"][-1:] if node["taken"] else node["conditions"]:
            yield depth, f"{'as' if node['taken'] else 'not as'} this is {words(one['value'])}:"
            yield from self.of(one, depth + 1)
        if not _plain(node["then"]):
            yield from self.of(node["then"], depth)

    def on_exists(self, node: Json, depth: int) -> Iterator[Line]:
        yield depth, f"exists = {words(node['value'])}"
        yield from self.of(node["of"], depth + 1)

    def on_compare(self, node: Json, depth: int) -> Iterator[Line]:
        sides = [node["left"], node["right"]]
        at = f" by {node['precision']}" if "precision" in node else ""
        text = f" {node['operator']}{at} ".join(self.leaf(one) for one in sides)
        yield depth, f"{text} = {words(node['value'])}"
        yield from self.each((one for one in sides if not _plain(one)), depth + 1)

    def on_in_value_set(self, node: Json, depth: int) -> Iterator[Line]:
        set_ = node["value_set"]
        version = f" {set_['version']}" if "version" in set_ else ""
        yield depth, f"{self.leaf(node['of'])} in “{set_.get('name') or set_['url']}”{version} = {words(node['value'])}"

    def on_query(self, node: Json, depth: int) -> Iterator[Line]:
        rows = node.get("rows", ())
        kept = [one for one in rows if one["kept"]]
        counted = f", {len(kept)} of {len(rows)} kept" if rows else ""
        yield depth, f"list = {words(node['value']) or 'empty'}{counted}"
        yield from self.each((one for one in node["sources"] if not _plain(one)), depth + 1)
        for row in sorted(rows, key=lambda one: not one["kept"])[:_SHOWN]:
            yield depth + 1, f"{'kept' if row['kept'] else 'left out'}: {', '.join(_label(one) for one in row['of'])}"
            for part in ("where", "gives"):
                if part in row and (part == "gives" or not row["kept"]) and not _plain(row[part]):
                    yield from self.of(row[part], depth + 2)
        if len(rows) > _SHOWN:
            yield depth + 1, f"and {len(rows) - _SHOWN} more"

    def on_retrieve(self, node: Json, depth: int) -> Iterator[Line]:
        yield depth, f"looked for {looked_for(node)}: {words(node['value']) or 'nothing'}"

    def on_coalesce(self, node: Json, depth: int) -> Iterator[Line]:
        yield depth, f"first that is known = {words(node['value'])}"
        yield from self.each((one for one in node["operands"] if not _plain(one)), depth + 1)

    def on_operation(self, node: Json, depth: int) -> Iterator[Line]:
        yield depth, f"{node['operator']} = {words(node['value']) or 'empty'}"
        yield from self.each((one for one in node["operands"] if not _plain(one)), depth + 1)

    def leaf(self, node: Json) -> str:
        """A value with the place where it stands."""
        if node["kind"] == "define":
            return f"“{node['name'].partition('.')[2]}” {words(node['value'])}"
        where = " ".join(str(node[key]) for key in ("reference", "path") if node.get(key))
        text = f"{node['name']} {shown(node)}" if node["kind"] == "parameter" else shown(node)
        return f"{text} [{where}]" if where else text


def _plain(node: Json) -> bool:
    """A node that its own line has said all about."""
    return node["kind"] in ("literal", "parameter") or (node["kind"] == "value" and "from" not in node)


def _label(label: Json) -> str:
    return " ".join(str(label[key]) for key in ("reference", "path") if key in label) or words(label.get("value"))
