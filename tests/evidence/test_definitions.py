"""Definition files: what is wrong in one is refused with its place; those in rules/ fit the normalisers."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from prior_auth.domain.evidence import Tier
from prior_auth.errors import RuleError
from prior_auth.evidence.definitions import EvidenceDefinitions
from prior_auth.evidence.normalise.codes import SCT
from prior_auth.evidence.normalise.site_table import SECONDARY_SITES, SITES

ECOG: dict[str, Any] = {
    "item": "ecog",
    "id": "E21",
    "question": "What is the ECOG performance status?",
    "who": "practice",
    "view": "performance",
    "read": "ecog",
    "profile": "mcode-ecog-performance-status",
    "code": {"system": "http://loinc.org", "code": "89247-1"},
    "find": [
        {"resource": "Observation", "codes": {"http://loinc.org": ["89247-1"]}, "value": "Observation.value"},
        {"resource": "Observation", "text": "ecog", "value": {"path": "Observation.note.text", "tier": "text"}},
    ],
}


def parsed(**changes: Any) -> EvidenceDefinitions:
    return EvidenceDefinitions.parse({"rules/evidence/ecog.yaml": {**ECOG, **changes}})


def find(**changes: Any) -> list[dict[str, Any]]:
    return [{**ECOG["find"][0], **changes}]


def test_a_definition_says_what_to_ask_for_and_whom() -> None:
    definition = parsed()["ecog"]

    assert definition.who == "practice"
    assert [each.code for each in definition.ask] == ["89247-1"]
    assert definition.profile == "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-ecog-performance-status"
    assert [search.tier for search in definition.searches] == [Tier.CODE, Tier.TEXT]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"who": "nobody"}, "who"),
        ({"who": None}, "who"),
        ({"read": "ecgo"}, "read"),
        ({"question": ""}, "question"),
        ({"surprise": 1}, "surprise"),
        ({"single": "yes"}, "single"),
        ({"find": find(value="Observation.valu")}, "value"),
        ({"find": find(value="Observation.value adn true")}, "value"),
        ({"find": find(value="now()")}, "value"),
        ({"find": find(codes={})}, ""),
        ({"find": find(codes=["89247-1"])}, "codes"),
        ({"find": find(codes={}, text="(")}, "text"),
        ({"find": find(where="status = ")}, "where"),
        ({"find": find(value={"path": "Observation.value", "tier": "guess"})}, "tier"),
        ({"document": {"kinds": ["clinic-note"]}}, "mentions"),
        ({"document": {"kinds": ["no-such-kind"], "mentions": "ecog"}}, "document.kinds"),
    ],
)
def test_a_mistake_in_a_file_is_refused_with_its_place(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(RuleError) as refused:
        parsed(**changes)

    assert refused.value.where is not None
    assert refused.value.where.startswith("rules/evidence/ecog.yaml")
    assert key in refused.value.where


def test_a_loader_that_knows_lines_gets_them_back() -> None:
    class Lines(dict[Any, Any]):
        lines: ClassVar[dict[str, int]] = {"who": 4}

    with pytest.raises(RuleError) as refused:
        EvidenceDefinitions.parse({"rules/evidence/ecog.yaml": Lines({**ECOG, "who": "nobody"})})

    assert refused.value.where == "rules/evidence/ecog.yaml:4"


def test_an_item_defined_twice_is_refused() -> None:
    with pytest.raises(RuleError):
        EvidenceDefinitions.parse({"a.yaml": ECOG, "b.yaml": ECOG})


def test_every_cancer_code_that_the_normaliser_knows_is_looked_for(definitions: EvidenceDefinitions) -> None:
    looked_for = {
        code
        for item in ("dx.primary", "dx.secondary")
        for search in definitions[item].searches
        for system, code in search.codes
        if system == SCT
    }

    known = {code for site in SITES.values() for code in site.snomed} | {code for code, _ in SECONDARY_SITES.values()}
    assert known - looked_for == set()


def test_every_item_of_the_catalogue_says_who_can_supply_it(definitions: EvidenceDefinitions) -> None:
    assert len(definitions.items) >= 39
    for definition in definitions:
        assert definition.who
        assert definition.question.endswith("?")
