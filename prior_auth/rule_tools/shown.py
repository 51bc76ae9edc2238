"""A policy as a clinician reads it: paths, criteria in the payer's words, what counts, how old, what silence is."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from prior_auth.evidence.definitions import EvidenceDefinitions
from prior_auth.policy.model import (
    Absence,
    Criterion,
    Dated,
    Duration,
    Kind,
    Payer,
    Policy,
    ServiceCode,
    Trial,
    in_force,
)
from prior_auth.rule_tools.windows import windows

CERTAINTY = {
    "S": "seen in a public source",
    "L": "from memory of a label or code book, unverified",
    "P": "a choice of ours, unverified",
}
_WIDTH = 110


def described(
    policy: Policy, cql: str, payer: Payer | None, definitions: EvidenceDefinitions, on: date
) -> dict[str, Any]:
    """Everything that `rules show` tells, as data, with the values in force on a day. `cql` is the own library.

    `payer` is None for a trial.
    """
    tell = _Teller(policy, cql, definitions, on)
    return {
        "id": policy.id,
        "title": policy.title,
        "version": policy.version,
        "payer": payer.name if payer else None,
        "trial": _trial(policy.trial) if policy.trial else None,
        "start": policy.start.isoformat(),
        "end": policy.end.isoformat() if policy.end else None,
        "plans": {
            plan.name: policy.benefit[id].value if policy.requires_pa[id] else "not required"
            for id, plan in (payer.plans.items() if payer else ())
        },
        "ingredients": list(policy.ingredients),
        "services": [_service(one) for one in policy.services],
        "sources": [
            {"name": one.name, "read": one.read.isoformat(), "certainty": one.certainty} for one in policy.sources
        ],
        "values": {name: _rows(rows) for name, rows in policy.values.items()},
        "paths": [
            {"id": path.id, "title": path.title, "criteria": [tell.criterion(one) for one in path.criteria]}
            for path in policy.paths
        ],
        "unwritten": [{"id": one.id, "title": one.title} for one in policy.unwritten],
        "documents": [{"code": one.code.code, "what": one.what} for one in policy.documents],
        "always_refer": policy.always_refer,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {"nct": trial.nct, "name": trial.name, "status": trial.status, "left_to_site": list(trial.left_to_site)}


def _service(one: ServiceCode) -> dict[str, Any]:
    return {
        "code": one.coding.code,
        "system": one.coding.system,
        "display": one.coding.display,
        "unit": f"{one.unit_size} {one.unit}" if one.unit_size else None,
        "start": one.start.isoformat() if one.start else None,
        "end": one.end.isoformat() if one.end else None,
    }


def _rows(rows: Mapping[date, Dated]) -> list[dict[str, Any]]:
    return [
        {"from": start.isoformat(), "value": _value(dated), "reference": dated.reference}
        for start, dated in sorted(rows.items())
    ]


def _value(dated: Dated) -> str:
    return _span(dated.value) if isinstance(dated.value, Duration) else f"{dated.value.normalize():f}"


def _span(duration: Duration) -> str:
    parts = [
        f"{count} {unit}" if count != 1 else f"1 {unit[:-1]}"
        for count, unit in ((duration.months, "months"), (duration.days, "days"))
        if count
    ]
    return " and ".join(parts)


class _Teller:
    def __init__(self, policy: Policy, cql: str, definitions: EvidenceDefinitions, on: date) -> None:
        self.definitions = definitions
        self.windows = windows(policy, cql)
        self.values = {name: dated for name, rows in policy.values.items() if (dated := in_force(rows, on)) is not None}

    def criterion(self, one: Criterion) -> dict[str, Any]:
        return {
            "id": one.id,
            "kind": one.kind.value,
            "text": one.text,
            "source": one.source,
            "certainty": sorted(set(re.findall(r"\[([LP])[\];:, ]", one.source))),
            "counts": self._asked(one.asks),
            "looked_for": [self._item(item) for item in one.items],
            "how_old": self._age(one),
            "applies": one.applies_why and f"not asked where: {one.applies_why}",
            "silence": _SILENCE[one.kind is Kind.EXCLUSION, one.absence],
            "asked_for": [
                {"what": need.what, "codes": [code.code for code in need.codes], "who": need.who} for need in one.needs
            ],
            "never": dict(one.never),
            "reduction": one.reduction.why if one.reduction else None,
        }

    def _asked(self, text: str) -> str:
        for name, dated in self.values.items():
            days = isinstance(dated.value, Duration)
            text = text.replace(f"{{{name}}}", f"{_value(dated)} back" if days else _value(dated))
        return text

    def _item(self, item: str) -> str:
        known = self.definitions.items.get(item)
        return known.question if known else item

    def _age(self, one: Criterion) -> str:
        found = [
            self.values[name] for name, criteria in self.windows.items() if one in criteria and name in self.values
        ]
        return "; ".join(f"the last {_value(dated)} ({dated.reference})" for dated in found) or "no limit"


_SILENCE = {
    (False, Absence.UNKNOWN): "no record is unknown, and it is asked for",
    (False, Absence.PRESUMED_ABSENT): "no record is taken for none, by the payer's text",
    (True, Absence.UNKNOWN): "no record is unknown, and it is asked for",
    (True, Absence.PRESUMED_ABSENT): "no record is taken for none: it does not exclude",
}


def as_lines(told: Mapping[str, Any]) -> list[str]:
    return [*_head(told), *(line for path in told["paths"] for line in ["", *_path(path)]), *_tail(told)]


def _head(told: Mapping[str, Any]) -> Iterator[str]:
    until = f" to {told['end']}" if told["end"] else ""
    yield f"{told['id']} {told['title']}, version {told['version']}"
    yield f"{_whose(told)}, in force from {told['start']}{until}"
    if told["plans"]:
        yield f"Plans: {', '.join(f'{plan} ({benefit})' for plan, benefit in told['plans'].items())}"
    if told["ingredients"]:
        yield f"For: {', '.join(told['ingredients'])}"
    for one in told["services"]:
        parts = [one["display"], one["unit"] and f"a unit is {one['unit']}", _span_of(one)]
        yield f"  {one['code']}  {', '.join(part for part in parts if part)}"
    yield "Sources:"
    for one in told["sources"]:
        yield from _wrapped(f"[{one['certainty']}] {one['name']}; read {one['read']}", "  ")
        yield f"      {CERTAINTY[one['certainty']]}"
    if told["values"]:
        yield f"Values that the {'trial' if told['trial'] else 'payer'} can change:"
    for name, rows in told["values"].items():
        for row in rows:
            yield from _wrapped(f"{name}: {row['value']} from {row['from']} ({row['reference']})", "  ")


def _whose(told: Mapping[str, Any]) -> str:
    trial = told["trial"]
    return f"Trial {trial['nct']}, {trial['name']} ({trial['status']})" if trial else str(told["payer"])


def _span_of(one: Mapping[str, Any]) -> str:
    return " ".join(f"{word} {one[key]}" for word, key in (("from", "start"), ("until", "end")) if one[key])


def _path(path: Mapping[str, Any]) -> Iterator[str]:
    yield f"Path {path['id']}: {path['title']}. All of these:"
    for one in path["criteria"]:
        yield ""
        yield from _criterion(one)


_KINDS = {"criterion": "", "exclusion": " (excludes if it applies)", "limit": " (a limit: a clinician may reduce)"}


def _criterion(one: Mapping[str, Any]) -> Iterator[str]:
    yield from _wrapped(f"{one['id']}{_KINDS[one['kind']]}: {one['text']}", "  ", hanging="    ")
    for label, text in _facts(one):
        yield from _wrapped(f"{label}: {text}", "    ", hanging="      ")


def _facts(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Source", f'"{one["source"]}"'
    for mark in one["certainty"]:
        yield "Certainty", f"[{mark}] {CERTAINTY[mark]}"
    yield "Counts", one["counts"]
    yield "Looked for", "; ".join(one["looked_for"])
    yield "How old", one["how_old"]
    if one["applies"]:
        yield "Condition", one["applies"]
    yield "Silence", one["silence"]
    for need in one["asked_for"]:
        codes = f" [{', '.join(need['codes'])}]" if need["codes"] else ""
        yield "Asked for", f"{need['what']}{codes}, from: {need['who']}"
    for outcome, why in one["never"].items():
        yield f"Never {outcome}", why
    if one["reduction"]:
        yield "Over it", f"proposed to a clinician: {one['reduction']}"


def _tail(told: Mapping[str, Any]) -> Iterator[str]:
    if told["unwritten"]:
        yield ""
        yield "Covered, and not written down; a person looks:"
        yield from (f"  {one['id']}: {one['title']}" for one in told["unwritten"])
    if told["documents"]:
        yield ""
        yield "Documents that go with the request:"
        yield from (f"  {one['code']}  {one['what']}" for one in told["documents"])
    if told["trial"]:
        yield ""
        yield "Left to the trial's site, and never judged:"
        yield from (f"  {one}" for one in told["trial"]["left_to_site"])
    if told["always_refer"]:
        yield ""
        yield "A person looks at every request, even where all is met."


def _wrapped(text: str, indent: str, hanging: str | None = None) -> Sequence[str]:
    after = hanging if hanging is not None else f"{indent}    "
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=after, break_long_words=False)
