"""The patient: age and sex, no more."""

from __future__ import annotations

from collections.abc import Iterator

from prior_auth.domain.evidence import Tier
from prior_auth.evidence.chart import Chart, Entry, mapping, sequence
from prior_auth.evidence.definitions import MCODE
from prior_auth.evidence.statement import Harvest, Statement
from prior_auth.evidence.when import UNDATED, parsed
from prior_auth.fhir import mcode

PROFILE = f"{MCODE}mcode-cancer-patient"
_BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
_SEX = {"M": "male", "F": "female"}


def harvest(chart: Chart) -> Harvest:
    entry = next(each for each in chart.of_type("Patient"))
    view = mcode.patient(_with_sex(entry))
    return Harvest(tuple(_statements(entry, view)))


def _with_sex(entry: Entry) -> dict[str, object]:
    """`gender` is administrative; where it is missing, the sex at birth tells."""
    source = dict(entry.resource)
    if source.get("gender") not in ("male", "female", "other", "unknown"):
        source.pop("gender", None)
        for extension in sequence(source.get("extension")):
            if mapping(extension).get("url") == _BIRTH_SEX and extension.get("valueCode") in _SEX:
                source["gender"] = _SEX[extension["valueCode"]]
    if not isinstance(source.get("birthDate"), str) or parsed(str(source["birthDate"])) is None:
        source.pop("birthDate", None)
    return source


def _statements(entry: Entry, view: mcode.Resource) -> Iterator[Statement]:
    stated = [("patient.birthDate", "birthDate"), ("patient.sex", "gender")]
    tier = Tier.PROFILE if PROFILE in sequence(mapping(entry.resource.get("meta")).get("profile")) else Tier.CODE
    for item, element in stated:
        if element in view and view[element] != "unknown":
            yield Statement(item, view[element], None, entry, f"Patient.{element}", tier, UNDATED, view)
