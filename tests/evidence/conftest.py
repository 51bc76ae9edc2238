"""Charts in a few words, and the definitions of rules/evidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from prior_auth.domain.evidence import Evidence
from prior_auth.evidence.definitions import EvidenceDefinitions
from prior_auth.evidence.gather import gather

RULES = Path(__file__).parents[2] / "rules" / "evidence"
AS_OF = date(2026, 6, 30)
PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-05-01"}

SUBJECT = {"AllergyIntolerance": "patient", "FamilyMemberHistory": "patient", "Coverage": "beneficiary"}

Gathered = Callable[..., Evidence]


def _decimal(resource: Any) -> Any:
    """As the product reads JSON: numbers with a point are Decimal."""
    return json.loads(json.dumps(resource), parse_float=Decimal)


@pytest.fixture(scope="session")
def definitions() -> EvidenceDefinitions:
    files: Mapping[str, Any] = {
        f"rules/evidence/{path.name}": yaml.safe_load(path.read_text()) for path in sorted(RULES.glob("*.yaml"))
    }
    return EvidenceDefinitions.parse(files)


@pytest.fixture
def gathered(definitions: EvidenceDefinitions) -> Gathered:
    """Gather from resources of the one patient `p`; what has no subject gets this one."""

    def run(
        *resources: Mapping[str, Any], as_of: date = AS_OF, patient: Mapping[str, Any] | None = PATIENT
    ) -> Evidence:
        chart = [*([patient] if patient else []), *(_whole(each, n) for n, each in enumerate(resources))]
        return gather(_decimal(chart), as_of=as_of, definitions=definitions)

    return run


def _whole(resource: Mapping[str, Any], number: int) -> dict[str, Any]:
    about = SUBJECT.get(resource["resourceType"], "subject")
    whole = {"id": f"r{number}", about: {"reference": "Patient/p"}, **resource}
    if whole["resourceType"] == "Patient":
        whole.pop("subject")
    return whole
