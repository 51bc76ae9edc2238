"""What an answer owes its request: every item by its sequence, echoes as they came, a grant beside each reduction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prior_auth.conformance.pas.bundle_rules import entries_of, first, list_of
from prior_auth.conformance.pas.verdicts import Finding, Report, Rule
from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json

ECHO = Rule("response-echo", "What is echoed keeps the request's fullUrl and identifiers", ("spec-33",))
ITEMS = Rule("response-items", "Only items of the request are answered under their sequences", ("spec-34",))
ALL_ITEMS = Rule("response-all-items", "Every item is answered, changed and cancelled ones too", ("spec-46",))
MODIFIED = Rule(
    "response-modified", "What is granted otherwise returns as A6 with a linked addItem", ("spec-36", "spec-37")
)

RULES = (ECHO, ITEMS, ALL_ITEMS, MODIFIED)
_OF_THE_PAYER = frozenset({"ClaimResponse", "CommunicationRequest", "Task", "OperationOutcome"})


def judge_answer(report: Report, about: str, request: Mapping[str, Any], response: Mapping[str, Any]) -> bool:
    """What a `$submit` answer owes the request Bundle it answers."""
    return all(
        [
            report.judge(ECHO, about, _echo(request, response)),
            report.judge(ITEMS, about, _foreign_items(request, response)),
            report.judge(ALL_ITEMS, about, _missing_items(request, response)),
            report.judge(MODIFIED, about, _modified(response)),
        ]
    )


def actions(response: Mapping[str, Any]) -> dict[int, str]:
    """X12 306 code of each item by its sequence, where it has one."""
    found: dict[int, str] = {}
    for one in list_of(first(response), "item"):
        for code in _codes(one):
            found.setdefault(_number(one.get("itemSequence")), code)
    return found


def numbers(response: Mapping[str, Any]) -> list[str]:
    """Authorization and administration reference numbers that the answer gives out."""
    found: list[str] = []
    for one in (*list_of(first(response), "item"), *list_of(first(response), "addItem")):
        stated = codes.pas_extension(one, "administrationReferenceNumber") or {}
        parts = [part for action in _review_actions(one) for part in list_of(action, "extension")]
        held = [stated, *(part for part in parts if part.get("url") == "number")]
        found += [part["valueString"] for part in held if isinstance(part.get("valueString"), str)]
    return list(dict.fromkeys(found))


def is_error(response: Mapping[str, Any]) -> bool:
    return first(response).get("outcome") == "error"


def _review_actions(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in list_of(item, "adjudication"):
        yield from codes.extensions_of(one, f"{codes.PAS}extension-reviewAction")


def _codes(item: Mapping[str, Any]) -> Iterator[str]:
    for action in _review_actions(item):
        for one in codes.extensions_of(action, f"{codes.PAS}extension-reviewActionCode"):
            for coding in list_of(one.get("valueCodeableConcept"), "coding"):
                if coding.get("system") == codes.REVIEW_ACTION:
                    yield str(coding.get("code"))


def _echo(request: Mapping[str, Any], response: Mapping[str, Any]) -> Iterator[Finding]:
    sent = entries_of(request)
    for path, url, resource in entries_of(response):
        if resource.get("resourceType") in _OF_THE_PAYER:
            continue
        same = [(other, one) for _, other, one in sent if _is_same(resource, one)]
        if same and url not in {other for other, _ in same}:
            yield Finding(f"{path}.fullUrl", "another fullUrl than the request gave this resource")
        for other, one in same:
            if other == url and not _identifiers(one) <= _identifiers(resource):
                yield Finding(f"{path}.resource.identifier", "lacks identifiers that the request gave this resource")


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if one.get("resourceType") != other.get("resourceType"):
        return False
    return one.get("id") == other.get("id") is not None or bool(_identifiers(one) & _identifiers(other))


def _identifiers(resource: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {
        (str(one.get("system")), one["value"])
        for one in list_of(resource, "identifier")
        if isinstance(one.get("value"), str)
    }


def _foreign_items(request: Mapping[str, Any], response: Mapping[str, Any]) -> Iterator[Finding]:
    asked = _sequences(first(request))
    for number, one in enumerate(list_of(first(response), "item")):
        if _number(one.get("itemSequence")) not in asked:
            where = f"Bundle.entry[0].resource.item[{number}].itemSequence"
            yield Finding(where, "answers an item that the request does not have")


def _missing_items(request: Mapping[str, Any], response: Mapping[str, Any]) -> Iterator[Finding]:
    if is_error(response):
        return  # a business rejection decides nothing
    answered = {_number(one.get("itemSequence")) for one in list_of(first(response), "item")}
    for one in sorted(_sequences(first(request)) - answered):
        yield Finding("Bundle.entry[0].resource.item", f"item {one} of the request is not answered")


def _modified(response: Mapping[str, Any]) -> Iterator[Finding]:
    answer = first(response)
    granted = {_number(one) for item in list_of(answer, "addItem") for one in _numbers(item.get("itemSequence"))}
    for number, one in enumerate(list_of(answer, "item")):
        path = f"Bundle.entry[0].resource.item[{number}]"
        is_modified = codes.MODIFIED in _codes(one)
        if is_modified and _number(one.get("itemSequence")) not in granted:
            yield Finding(path, "A6 without an addItem that says what is granted")
        if not is_modified and _number(one.get("itemSequence")) in granted:
            yield Finding(path, "an addItem grants something else, but the item is not A6")


def _sequences(claim: Mapping[str, Any]) -> set[int]:
    return {_number(one.get("sequence")) for one in list_of(claim, "item")}


def _numbers(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def decided(response: Mapping[str, Any], code: str) -> Iterator[Finding]:
    """Nothing where some item has this X12 306 code."""
    found = actions(response)
    if code not in found.values():
        told: Json = {str(sequence): one for sequence, one in found.items()}
        yield Finding(
            "Bundle.entry[0].resource.item.adjudication", f"no item has {code}; items say {told or 'nothing'}"
        )
