"""An assessment as JSON, in the shape of `assessment.schema.json`: all keys always there, null or [] if empty."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from typing import Any

from prior_auth.domain.assessment import (
    Assessment,
    CriterionResult,
    DataRequirement,
    ItemAssessment,
    PolicyId,
    overall,
)
from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Fact, FactValue
from prior_auth.domain.request import Period, Regimen
from prior_auth.fhir import json

Json = dict[str, Any]


def schema() -> Json:
    """The JSON Schema of the report (draft 2020-12)."""
    found: Json = json.read(files("prior_auth.policy").joinpath("assessment.schema.json").read_bytes())
    return found


def as_json(assessment: Assessment) -> Json:
    """The report of a whole assessment."""
    return {
        "as_of": assessment.as_of.isoformat(),
        "patient": assessment.patient,
        "coverage": assessment.coverage,
        "items": [_item(item) for item in assessment.items],
        "regimens": [_regimen(one, assessment) for one in assessment.regimens],
        "valuesets": dict(sorted(assessment.valuesets.items())),
    }


def _regimen(one: Regimen, assessment: Assessment) -> Json:
    """`recommendation` is one word for all its items: that which keeps it waiting longest."""
    return {
        "source": one.source,
        "name": one.name,
        "protocol": list(one.protocol),
        "requests": list(one.orders),
        "recommendation": overall(assessment, one.orders).value,
    }


def _item(item: ItemAssessment) -> Json:
    policy, proposal = item.policy, item.proposal
    return {
        "request": item.item.order,
        "service": _coding(item.item.service),
        "units": _number(item.item.units),
        "period": _period(item.item.period),
        "policy": policy_as_json(policy) if policy else None,
        "path": item.path,
        "recommendation": item.recommendation.value,
        "cause": item.cause.value if item.cause else None,
        "why": item.why,
        "proposal": {"units": _number(proposal.units), "period": _period(proposal.period), "why": proposal.why}
        if proposal
        else None,
        "criteria": [criterion_as_json(one) for one in item.criteria],
    }


def policy_as_json(policy: PolicyId) -> Json:
    unverified = list(policy.unverified)
    return {"id": policy.id, "version": policy.version, "hash": policy.hash, "unverified": unverified}


def criterion_as_json(one: CriterionResult) -> Json:
    return {
        "id": one.id,
        "text": one.text,
        "outcome": one.outcome.value,
        "why": one.why,
        "conflict": one.conflict,
        "document_only": one.document_only,
        "person": one.person,
        "problem": one.problem,
        "evidence": [fact_as_json(fact) for fact in one.evidence],
        "missing": [requirement_as_json(need) for need in one.missing],
    }


def fact_as_json(fact: Fact) -> Json:
    return {
        "item": fact.item,
        "reference": fact.source.reference,
        "path": fact.source.path,
        "value": _value(fact.value),
        "unit": fact.unit,
        "date": fact.date,
        "tier": fact.tier.value,
        **({"origin": fact.source.origin} if fact.source.origin else {}),
    }


def requirement_as_json(need: DataRequirement) -> Json:
    return {
        "item": need.item,
        "what": need.what,
        "codes": [{"system": one.system, "code": one.code} for one in need.codes],
        "window": need.window,
        "who": need.who,
    }


def _coding(coding: Coding) -> Json:
    return {"system": coding.system or None, "code": coding.code or None, "display": coding.display}


def _value(value: FactValue) -> Any:
    if isinstance(value, Coding):
        return _coding(value)
    return _number(value) if isinstance(value, Decimal) else value


def _number(value: Decimal | None) -> int | Decimal | None:
    """Whole numbers without a point; others keep their digits."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else value


def _period(period: Period | None) -> Json:
    start, end = (period.start, period.end) if period else (None, None)
    return {"start": start.isoformat() if start else None, "end": end.isoformat() if end else None}
