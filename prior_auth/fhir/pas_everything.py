"""An answer that shows every must-support element of the response profiles: for test rigs only (`pas_script`).

What the request says is repeated where the answer has a place for it; the rest is made up, as the whole case is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from prior_auth.fhir import codes
from prior_auth.fhir.codes import PAS_TEMP, X12, Json, coded, extension

_DIAGNOSIS = coded(codes.ICD10_CM, "C50.911")
_MODIFIER = coded(codes.LOINC, "18804-5")  # content modifier that the guide's example shows
_REQUESTED = ("productOrService", "modifier", "unitPrice", "quantity")


def show(response: Json, claim: Mapping[str, Any], day: str) -> None:
    """Fill a ClaimResponse in place. `day` is the day of the answer."""
    practitioner = _provider(claim)
    response["requestor"] = practitioner
    response.setdefault("preAuthPeriod", {"start": day})
    response["extension"].append(_authorized_provider(response["insurer"]))
    named = claim.get("identifier")
    held = named[0].get("extension") if isinstance(named, list) and named else None
    response["identifier"][0]["extension"] = deepcopy(held) if held else _departments()
    if "related" in claim:  # its Claim came by another way, as it were (spec-44)
        absent = {"url": codes.DATA_ABSENT, "valueCode": "unknown"}
        response["request"] = {"extension": [absent], **_without(response["request"], "reference")}
    for one in response.get("item", ()):
        _fill_item(one, _asked(claim, one["itemSequence"]), response, day)
    for one in response.get("addItem", ()):
        _fill_grant(one, _asked(claim, one["itemSequence"][0]), response["insurer"], day)
    pended = extension("reviewActionCode", valueCodeableConcept=coded(codes.REVIEW_ACTION, codes.PENDED))
    whole = {"extension": [pended], "url": extension("reviewAction")["url"]}
    category = coded(codes.ADJUDICATION, "submitted")
    response["adjudication"] = [{"extension": [whole], "category": category}]
    response.setdefault("processNote", [{"number": 1, "text": "An answer of a test rig."}])
    response["outcome"] = "partial"
    response["error"] = [_error()]


def communications(made: Sequence[Json], claim: Mapping[str, Any]) -> None:
    """Fill the requests for information in place."""
    for one in made:
        one["recipient"] = [claim["provider"]]
        one["payload"][0]["extension"] = [
            extension("communicatedDiagnosis", valueCodeableConcept=_DIAGNOSIS),
            extension("contentModifier", valueCodeableConcept=_MODIFIER),
        ]


def tasks(task: Json, day: str) -> list[Json]:
    """The work order by codes, and one that asks for a questionnaire beside it."""
    task["statusReason"] = {"text": "Wanted by the payer."}
    task["restriction"] = {"period": {"end": day}}
    by_code = [one for one in task["input"] if one["type"]["coding"][0]["code"] == "attachments-needed"]
    if not by_code:
        by_code = [_needed(coded(codes.LOINC, "11488-4"))]
        task["input"] += by_code
    for one in by_code:
        one["extension"] = [*one["extension"], extension("contentModifier", valueCodeableConcept=_MODIFIER)]
    other = deepcopy(task)
    other["id"] = f"{task['id'][:-1]}{'0' if task['id'][-1] != '0' else '1'}"
    other["code"] = coded(PAS_TEMP, "attachment-request-questionnaire")
    context = {
        "extension": [extension("serviceLineNumber", valuePositiveInt=1)],
        "type": coded(PAS_TEMP, "questionnaire-context"),
        "valueString": f"questionnaire-of-{task['id']}",
    }
    other["input"] = [task["input"][0], context]
    return [task, other]


def _needed(value: Json) -> Json:
    line = extension("serviceLineNumber", valuePositiveInt=1)
    return {"extension": [line], "type": coded(PAS_TEMP, "attachments-needed"), "valueCodeableConcept": value}


def _provider(claim: Mapping[str, Any]) -> Json:
    """Who ordered it: the first of the care team."""
    team = claim.get("careTeam")
    found: Json = dict(team[0]["provider"]) if isinstance(team, list) and team else dict(claim["provider"])
    return found


def _asked(claim: Mapping[str, Any], sequence: int) -> Json:
    found: list[Json] = [one for one in claim["item"] if one.get("sequence") == sequence]
    return found[0] if found else {}


def _authorized_provider(provider: Json) -> Json:
    parts = [
        {"url": "provider", "valueReference": provider},
        extension("authorizedProviderType", valueCodeableConcept=coded(f"{X12}98", "P3")),
        {"url": "role", "valueCodeableConcept": coded(f"{codes.THO}claimcareteamrole", "primary")},
    ]
    return {"extension": parts, "url": extension("itemAuthorizedProvider")["url"]}


def _departments() -> list[Json]:
    state = coded("https://www.usps.com/", "MA")
    return [
        extension("identifierSubDepartment", valueString="Oncology"),
        extension("identifierJurisdiction", valueCodeableConcept=state),
    ]


def _days(asked: Mapping[str, Any], day: str) -> Json:
    period = asked.get("servicedPeriod")
    return dict(period) if isinstance(period, dict) else {"start": asked.get("servicedDate", day)}


def _add(element: Json, *more: Json) -> None:
    """Extensions that the element does not have yet."""
    held = element.setdefault("extension", [])
    known = {one["url"] for one in held}
    held += [one for one in more if one["url"] not in known]


def _fill_item(item: Json, asked: Mapping[str, Any], response: Mapping[str, Any], day: str) -> None:
    names = {one: asked[one] for one in _REQUESTED if one in asked}
    details = [_detail(name, value) for name, value in names.items() if not isinstance(value, list)]
    details += [_detail(name, one) for name, value in names.items() if isinstance(value, list) for one in value]
    _add(
        item,
        *_common(asked, day),
        extension("itemRequestedServiceDate", valuePeriod=_days(asked, day)),
        _authorized_provider(response["insurer"]),
        {"extension": details, "url": extension("itemAuthorizedDetail")["url"]},
        extension("communicatedDiagnosis", valueCodeableConcept=_DIAGNOSIS),
    )
    item.setdefault("noteNumber", [1])


def _common(asked: Mapping[str, Any], day: str) -> list[Json]:
    """What both an item and an added item may hold."""
    earlier = codes.pas_extension(asked, "authorizationNumber") or {}
    reference = codes.pas_extension(asked, "administrationReferenceNumber") or {}
    return [
        *(dict(one) for one in codes.extensions_of(asked, f"{codes.PAS}extension-itemTraceNumber")),
        extension("itemPreAuthIssueDate", valueDate=day),
        extension("itemPreAuthPeriod", valuePeriod=_days(asked, day)),
        extension("authorizationNumber", valueString=earlier.get("valueString", "EARLIER-1")),
        extension("administrationReferenceNumber", valueString=reference.get("valueString", "PEND-1")),
        extension("admissionDates", valueDate=day),
        extension("dischargeDate", valueDate=day),
    ]


def _detail(name: str, value: Any) -> Json:
    if name == "productOrService":
        return {"url": "productOrServiceCode", "valueCodeableConcept": value}
    kind = {"modifier": "CodeableConcept", "unitPrice": "Money", "quantity": "Quantity"}[name]
    return {"url": name, f"value{kind}": value}


def _fill_grant(grant: Json, asked: Mapping[str, Any], provider: Json, day: str) -> None:
    repeated = (
        "epsdtIndicator",
        "nursingHomeResidentialStatus",
        "nursingHomeLevelOfCare",
        "productOrServiceCodeEnd",
        "revenueUnitRateLimit",
        "requestedService",
        "serviceItemRequestType",
        "certificationType",
    )
    found = [codes.pas_extension(asked, name) for name in repeated]
    revenue = [extension("revenueCode", valueCodeableConcept=asked["revenue"])] if "revenue" in asked else []
    kind = [extension("itemCategory", valueCodeableConcept=asked["category"])] if "category" in asked else []
    _add(grant, *_common(asked, day), *(dict(one) for one in found if one is not None), *revenue, *kind)
    type_of_provider = extension("authorizedProviderType", valueCodeableConcept=coded(f"{X12}98", "P3"))
    grant["provider"] = [{"extension": [type_of_provider], **provider}]
    for name in ("modifier", "unitPrice", "locationCodeableConcept", "quantity"):
        if name in asked:
            grant.setdefault(name, deepcopy(asked[name]))


def _error() -> Json:
    parts = [
        {"url": "processNote", "valuePositiveInt": 1},
        {"url": "error", "valueString": "2000F-HSD02"},
    ]
    follow_up = coded(codes.FOLLOW_UP, codes.CORRECT_AND_RESUBMIT)
    return {
        "extension": [
            {"extension": parts, "url": extension("errorElement")["url"]},
            extension("errorPath", valueString="Bundle.entry[0].resource.item[0].quantity"),
            extension("errorFollowupAction", valueCodeableConcept=follow_up),
        ],
        "code": coded(codes.REJECT_REASON, codes.QUANTITY_EXCEEDED),
    }


def _without(element: Mapping[str, Any], name: str) -> Json:
    return {key: value for key, value in element.items() if key != name}
