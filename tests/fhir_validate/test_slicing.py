"""Slices by every kind of discriminator, on small profiles made here."""

import pytest

from prior_auth.fhir.validate.conform import Conformance
from prior_auth.fhir.validate.slicing import steps_of
from prior_auth.fhir.validate.tree import Item, build
from prior_auth.r4.definitions import Binding, Discriminator, Element, Fixed, Slicing, Structure, TypeRef


class Alone:
    """No other resources, no invariants."""

    def __init__(self, *others):
        self.others = {f"{one['resourceType']}/{one['id']}": one for one in others}

    def resolve(self, reference, item):
        found = self.others.get(reference)
        return Item(reference, found["resourceType"], found) if found else None

    def invariants(self, item, invariants):
        return ()


def judge(profile, value, *others):
    found = []
    Conformance(Alone(*others)).node(build(profile), Item(profile.type, profile.type, value), found)
    return [(one.rule, one.path, one.message) for one in found if one.severity == "error"]


def profile(*elements, type="Observation"):
    return Structure("http://example.org/p", type, "resource", (Element(type, max=None), *elements))


def sliced(path, *discriminators, rules="open", ordered=False, max=None):
    slicing = Slicing(tuple(Discriminator(*one) for one in discriminators), rules, ordered)
    return Element(path, max=max, slicing=slicing)


def component(name, code, *, min=0, max=1):
    return (
        Element("Observation.component", id=f"Observation.component:{name}", slice=name, min=min, max=max),
        Element(
            "Observation.component.code",
            id=f"Observation.component:{name}.code",
            min=1,
            fixed=Fixed({"coding": [{"code": code}]}),
        ),
    )


def parts(*codes):
    return {"resourceType": "Observation", "component": [{"code": {"coding": [{"code": one}]}} for one in codes]}


def test_slices_by_pattern_count_their_members():
    wanted = profile(
        sliced("Observation.component", ("pattern", "code")), *component("a", "a", min=1), *component("b", "b")
    )
    assert judge(wanted, parts("a", "b", "other")) == []
    assert [rule for rule, _, _ in judge(wanted, parts("b"))] == ["slicing"]
    ((rule, path, message),) = judge(wanted, parts("a", "b", "b"))
    assert (rule, path) == ("slicing", "Observation.component")
    assert "component:b" in message


def test_a_closed_slicing_takes_nothing_else():
    wanted = profile(
        sliced("Observation.component", ("value", "code"), rules="closed"), *component("a", "a"), *component("b", "b")
    )
    assert judge(wanted, parts("a")) == []
    assert [path for _, path, _ in judge(wanted, parts("a", "c"))] == ["Observation.component[1]"]


def test_an_ordered_slicing_keeps_its_order():
    wanted = profile(
        sliced("Observation.component", ("value", "code"), ordered=True), *component("a", "a"), *component("b", "b")
    )
    assert judge(wanted, parts("a", "b")) == []
    assert [path for _, path, _ in judge(wanted, parts("b", "a"))] == ["Observation.component[1]"]


def test_slices_of_a_choice_by_type():
    wanted = profile(
        sliced("Observation.value[x]", ("type", "$this"), rules="closed", max=1),
        Element(
            "Observation.value[x]",
            id="Observation.value[x]:valueQuantity",
            slice="valueQuantity",
            types=(TypeRef("Quantity"),),
        ),
        Element("Quantity.unit", id="Observation.value[x]:valueQuantity.unit", min=1),
    )
    assert judge(wanted, {"valueQuantity": {"unit": "mg"}}) == []
    assert [path for _, path, _ in judge(wanted, {"valueQuantity": {"value": 1}})] == ["Observation.value.unit"]
    assert [rule for rule, _, _ in judge(wanted, {"valueString": "x"})] == ["slicing"]


def test_slices_by_existence():
    wanted = profile(
        sliced("Observation.component", ("exists", "interpretation"), rules="closed"),
        Element("Observation.component", id="Observation.component:read", slice="read", max=1),
        Element(
            "Observation.component.interpretation", id="Observation.component:read.interpretation", min=1, max=None
        ),
    )
    read = {"interpretation": [{"text": "high"}]}
    assert judge(wanted, {"component": [read]}) == []
    assert [rule for rule, _, _ in judge(wanted, {"component": [{"code": {"text": "x"}}]})] == ["slicing"]
    assert [rule for rule, _, _ in judge(wanted, {"component": [read, read]})] == ["slicing"]


def test_slices_by_the_type_of_what_is_referred_to():
    wanted = profile(
        sliced("Observation.performer", ("type", "resolve()")),
        Element(
            "Observation.performer",
            id="Observation.performer:who",
            slice="who",
            min=1,
            types=(TypeRef("Reference", targets=("http://hl7.org/fhir/StructureDefinition/Practitioner",)),),
        ),
    )
    doctor, house = {"resourceType": "Practitioner", "id": "1"}, {"resourceType": "Organization", "id": "2"}
    assert judge(wanted, {"performer": [{"reference": "Practitioner/1"}]}, doctor, house) == []
    assert judge(wanted, {"performer": [{"reference": "Organization/2"}]}, doctor, house) != []


def test_slices_by_the_profile_of_what_is_referred_to():
    us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization"
    wanted = profile(
        sliced("Observation.performer", ("profile", "resolve()")),
        Element(
            "Observation.performer",
            id="Observation.performer:house",
            slice="house",
            min=1,
            types=(TypeRef("Reference", targets=(us_core,)),),
        ),
    )
    named = {"resourceType": "Organization", "id": "2", "active": True, "name": "x"}
    nameless = {"resourceType": "Organization", "id": "2", "active": True}
    assert judge(wanted, {"performer": [{"reference": "Organization/2"}]}, named) == []
    assert judge(wanted, {"performer": [{"reference": "Organization/2"}]}, nameless) != []


def test_a_discriminator_looks_into_an_extension():
    url = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-careTeamClaimScope"
    path = f"extension('{url}').value.ofType(boolean)"
    wanted = profile(
        sliced("Claim.careTeam", ("value", path), rules="closed"),
        Element("Claim.careTeam", id="Claim.careTeam:overall", slice="overall", max=None),
        Element("Claim.careTeam.extension", id="Claim.careTeam:overall.extension", max=None),
        Element(
            "Claim.careTeam.extension",
            id="Claim.careTeam:overall.extension:scope",
            slice="scope",
            types=(TypeRef("Extension", profiles=(url,)),),
        ),
        Element(
            "Claim.careTeam.extension.value[x]",
            id="Claim.careTeam:overall.extension:scope.value[x]",
            types=(TypeRef("boolean"),),
            fixed=Fixed(True, exact=True),
        ),
        type="Claim",
    )
    assert judge(wanted, {"careTeam": [{"extension": [{"url": url, "valueBoolean": True}]}]}) == []
    assert judge(wanted, {"careTeam": [{"extension": [{"url": url, "valueBoolean": False}]}]}) != []


def test_a_list_that_is_not_at_hand_counts_in_favour():
    unknown = Binding("required", "http://example.org/ValueSet/licensed")
    wanted = profile(
        sliced("Observation.category", ("value", "$this")),
        Element("Observation.category", id="Observation.category:a", slice="a", min=1, max=1, binding=unknown),
    )
    coded = {"coding": [{"system": "http://example.org", "code": "1"}]}
    assert judge(wanted, {"category": [coded, coded]}) == []
    assert judge(wanted, {}) != []


def test_discriminator_paths_are_read_or_refused():
    assert [one.kind for one in steps_of("$this.resolve().code")] == ["resolve", "child"]
    assert steps_of("value as boolean") == steps_of("value.as(boolean)") == steps_of("value.ofType(boolean)")
    assert steps_of("code.where(x)") is None


def test_a_discriminator_that_cannot_be_read_puts_a_value_into_doubt_not_out():
    wanted = profile(sliced("Observation.component", ("value", "code.where(x)")), *component("a", "a", min=1))
    assert judge(wanted, parts("a")) == []
    assert judge(wanted, {}) != []


def test_a_member_that_breaks_a_rule_of_its_slice_is_a_member():
    wanted = profile(
        sliced("Observation.component", ("pattern", "$this")),
        Element(
            "Observation.component",
            id="Observation.component:a",
            slice="a",
            max=None,
            fixed=Fixed({"code": {"coding": [{"code": "a"}]}}),
        ),
        Element("Observation.component.value[x]", id="Observation.component:a.value[x]", min=1),
    )
    assert judge(wanted, parts("b")) == []
    assert [(rule, path) for rule, path, _ in judge(wanted, parts("a"))] == [
        ("cardinality", "Observation.component[0].value")
    ]


def test_a_slice_is_told_by_what_stands_further_in():
    wanted = profile(
        sliced("Observation.component", ("value", "$this")),
        Element("Observation.component", id="Observation.component:a", slice="a", max=0),
        Element("Observation.component.code", id="Observation.component:a.code", min=1),
        Element(
            "Observation.component.code.text",
            id="Observation.component:a.code.text",
            min=1,
            fixed=Fixed("a", exact=True),
            types=(TypeRef("string"),),
        ),
    )
    assert judge(wanted, {"component": [{"code": {"text": "b"}}, {"code": {}}]}) == []
    assert [rule for rule, _, _ in judge(wanted, {"component": [{"code": {"text": "a"}}]})] == ["slicing"]


@pytest.mark.parametrize("extension", [None, 1.5, {}, [None], [{"url": 7}]])
def test_extensions_of_another_shape_are_in_no_slice(extension):
    steps = "extension('http://example.org/x').value"
    wanted = profile(sliced("Observation.component", ("exists", steps)), *component("a", "a"))
    broken = {"component": [{"code": {"coding": [{"code": "b"}]}, "extension": extension}]}
    assert [rule for rule, _, _ in judge(wanted, broken)] == []
