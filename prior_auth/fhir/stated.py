"""What a person states or attaches, as FHIR resources: an Observation with who said it, a DocumentReference."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import date
from decimal import Decimal
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.errors import BadInput

_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_DOCUMENT_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_UCUM = "http://unitsofmeasure.org"
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)\s*(.*)", re.DOTALL)
_INTEGERS = {"89247-1", "89243-0"}  # ECOG and Karnofsky are scores, not quantities (mCODE)
_ANSWERS = {"yes": True, "true": True, "no": False, "false": False}


def observation(
    identity: str, *, patient: str, code: Coding, value: str, on: date, by: str, focus: str | None = None
) -> dict[str, Any]:
    """An Observation of one value as typed: `60 %` becomes a Quantity, `1` of ECOG an integer, `yes` of an attestation
    a boolean, anything else a string that the text grammars read or refuse.

    Raises BadInput for an empty value.
    """
    text = value.strip()
    if not text:
        raise BadInput("no value was given", where="Observation.value", fix="type the value as the report states it")
    stated: dict[str, Any] = {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORY, "code": "exam"}]}],
        "code": {"coding": [_coding(code)], "text": code.display or code.code},
        "subject": {"reference": patient},
        "effectiveDateTime": on.isoformat(),
        "performer": [{"display": by}],
        **_value(code, text),
    }
    return stated | ({"focus": [{"reference": focus}]} if focus else {})


def document(
    identity: str, *, patient: str, kind: Coding, content: bytes, content_type: str, on: date, by: str
) -> dict[str, Any]:
    """A DocumentReference with the file inside. Raises BadInput for an empty file."""
    if not content:
        raise BadInput("the file is empty", where="DocumentReference.content", fix="attach a file with content")
    return {
        "resourceType": "DocumentReference",
        "id": identity,
        "status": "current",
        "type": {"coding": [_coding(kind)]},
        "category": [{"coding": [{"system": _DOCUMENT_CATEGORY, "code": "clinical-note"}]}],
        "subject": {"reference": patient},
        "date": f"{on.isoformat()}T00:00:00Z",
        "author": [{"display": by}],
        "content": [{"attachment": {"contentType": content_type, "data": b64encode(content).decode("ascii")}}],
    }


def _coding(code: Coding) -> dict[str, str]:
    return {"system": code.system, "code": code.code} | ({"display": code.display} if code.display else {})


def _value(code: Coding, text: str) -> dict[str, Any]:
    if code.system == "urn:prior-auth:attestation" and text.casefold() in _ANSWERS:
        return {"valueBoolean": _ANSWERS[text.casefold()]}
    match = _NUMBER.fullmatch(text)
    if match is None:
        return {"valueString": text}
    number, unit = match.groups()
    if code.code in _INTEGERS and not unit and "." not in number:
        return {"valueInteger": int(number)}
    if not unit or not re.fullmatch(r"[A-Za-z0-9%/\[\]_{}*.]+", unit):
        return {"valueString": text}
    return {"valueQuantity": {"value": Decimal(number), "unit": unit, "system": _UCUM, "code": unit}}
