"""Charts of several health systems are one chart of one patient, or are refused."""

from __future__ import annotations

from typing import Any

import pytest

from prior_auth.domain.evidence import Evidence, Fact, Source, Tier
from prior_auth.errors import BadInput
from prior_auth.fhir.chart_join import Chart, join

MRN = {"system": "urn:oid:1.2.3", "value": "A1"}
MEMBER = {"system": "http://example.org/member", "value": "M7"}
OTHER = {"system": "urn:oid:9.9.9", "value": "A1"}

Resource = dict[str, Any]


def patient(id: str = "p", *identifiers: Resource, **more: Any) -> Resource:
    return {"resourceType": "Patient", "id": id, "identifier": list(identifiers or (MRN, MEMBER)), **more}


def observation(id: str, value: str, subject: str = "p", **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "HER2"},
        "subject": {"reference": f"Patient/{subject}"},
        "valueString": value,
        **more,
    }


def two(first: list[Resource], second: list[Resource]) -> tuple[Chart, Chart]:
    return Chart("Riverside", [patient(), *first]), Chart("Lakeside", [patient("q", OTHER, MEMBER), *second])


def by_reference(resources: list[Resource]) -> dict[str, Resource]:
    return {f"{one['resourceType']}/{one['id']}": one for one in resources}


def test_what_one_system_adds_is_kept_with_its_origin_and_led_to_the_one_patient() -> None:
    joined = join(two([observation("a", "3+")], [observation("b", "amplified", "q")]))
    found = by_reference(joined.resources)
    assert set(found) == {"Patient/p", "Observation/a", "Observation/b"}
    assert found["Observation/b"]["subject"] == {"reference": "Patient/p"}
    assert found["Patient/p"]["identifier"] == [MRN, MEMBER, OTHER]
    assert joined.origins == {
        "Patient/p": ("Riverside", "Lakeside"),
        "Observation/a": ("Riverside",),
        "Observation/b": ("Lakeside",),
    }


def test_the_same_statement_of_both_systems_is_one_with_both_origins() -> None:
    second = observation("z", "3+", "q", meta={"source": "lakeside"}, performer=[{"display": "Lab"}], encounter={})
    joined = join(two([observation("a", "3+")], [second]))
    assert set(by_reference(joined.resources)) == {"Patient/p", "Observation/a"}
    assert joined.origins["Observation/a"] == ("Riverside", "Lakeside")


def test_the_same_statement_twice_in_one_system_is_not_taken_away() -> None:
    joined = join(two([], [observation("a", "3+", "q"), observation("b", "3+", "q")]))
    assert {"Observation/a", "Observation/b"} <= set(by_reference(joined.resources))


def test_statements_that_differ_in_what_they_refer_to_stay_beside_each_other() -> None:
    panel = {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": "panel"}}
    first = [observation("a", "3+"), {**panel, "result": [{"reference": "Observation/a"}]}]
    second = [observation("b", "2+", "q"), {**panel, "result": [{"reference": "Observation/b"}]}]
    found = by_reference(join(two(first, second)).resources)
    assert found["DiagnosticReport/r-2"]["result"] == [{"reference": "Observation/b"}]
    assert found["DiagnosticReport/r"]["result"] == [{"reference": "Observation/a"}]


def test_an_id_that_is_taken_gets_the_number_of_its_chart_everywhere() -> None:
    long = "x" * 64
    second = [
        observation("a", "negative", "q"),
        observation(long, "1+", "q"),
        observation(
            "panel", "two", "q", hasMember=[{"reference": "Observation/a"}, {"reference": f"Observation/{long}"}]
        ),
    ]
    found = by_reference(join(two([observation("a", "3+"), observation(long, "3+")], second)).resources)
    members = [one["reference"] for one in found["Observation/panel"]["hasMember"]]
    assert members[0] == "Observation/a-2"
    assert found[members[0]]["valueString"] == "negative"
    assert found[members[1]]["valueString"] == "1+"
    assert all(len(name.partition("/")[2]) <= 64 for name in found)


def test_a_reference_to_a_merged_resource_leads_to_the_one_that_is_kept() -> None:
    second = [observation("z", "3+", "q"), observation("s", "sum", "q", derivedFrom=[{"reference": "Observation/z"}])]
    found = by_reference(join(two([observation("a", "3+")], second)).resources)
    assert found["Observation/s"]["derivedFrom"] == [{"reference": "Observation/a"}]


@pytest.mark.parametrize(
    ("first", "second", "where"),
    [
        (patient("p", MRN), patient("q", OTHER), "Patient.identifier"),
        (patient("p", {"value": "A1"}), patient("q", {"value": "A1"}), "Patient.identifier"),
        (patient("p", MRN), patient("q", {**MRN, "use": "old"}), "Patient.identifier"),
        (patient(birthDate="1970-01-02"), patient("q", birthDate="1970-02-01"), "Patient.birthDate"),
    ],
)
def test_people_who_cannot_be_shown_to_be_one_are_refused(first: Resource, second: Resource, where: str) -> None:
    with pytest.raises(BadInput) as refused:
        join([Chart("Riverside", [first]), Chart("Lakeside", [second])])
    assert refused.value.where == where
    assert "1970" not in str(refused.value)


def test_a_birth_date_that_is_less_exact_contradicts_nothing() -> None:
    joined = join([Chart("A", [patient(birthDate="1970")]), Chart("B", [patient("q", birthDate="1970-02-01")])])
    assert len(joined.resources) == 1


def test_a_third_chart_may_be_known_by_the_second() -> None:
    charts = [
        Chart("A", [patient("p", MRN)]),
        Chart("B", [patient("q", MRN, OTHER)]),
        Chart("C", [patient("r", OTHER)]),
    ]
    assert join(charts).origins["Patient/p"] == ("A", "B", "C")


@pytest.mark.parametrize("resources", [[], [patient(), patient("q")]])
def test_a_chart_of_nobody_or_of_two_is_refused(resources: list[Resource]) -> None:
    with pytest.raises(BadInput, match="Lakeside"):
        join([Chart("Riverside", [patient()]), Chart("Lakeside", resources)])


def test_every_fact_keeps_its_origin() -> None:
    joined = join(two([observation("a", "3+")], [observation("b", "amplified", "q")]))
    source = Source("Observation/b", "Observation.value")
    fact = Fact("her2.ish", "amplified", None, None, source, Tier.CODE, "Observation/v")
    named = joined.with_origins(Evidence("Patient/p", (fact,), ()))
    assert named.facts[0].source == Source("Observation/b", "Observation.value", "Lakeside")
