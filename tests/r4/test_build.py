import pytest

from prior_auth.errors import BadInput
from prior_auth.r4 import build, slim, tables
from prior_auth.r4.definitions import Codes
from prior_auth.r4.expansion import Expander
from prior_auth.r4.prune import prune


def definition(*elements, derivation="constraint"):
    snapshot = [{"id": "Patient", "path": "Patient", "min": 0, "max": "*"}, *elements]
    return {
        "resourceType": "StructureDefinition",
        "url": "http://example.org/StructureDefinition/p",
        "type": "Patient",
        "kind": "resource",
        "derivation": derivation,
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "snapshot": {"element": list(elements) and snapshot},
    }


def element(path, *, code, min=0, max="1", **more):
    return {"id": path, "path": path, "min": min, "max": max, "type": [{"code": code}], **more}


def test_a_profile_keeps_only_what_says_more_than_its_base():
    profile = prune(
        slim.structure(
            definition(
                element("Patient.active", code="boolean", isModifier=True),
                element("Patient.birthDate", code="date", min=1),
                element("Patient.name", code="HumanName", max="*"),
                element("Patient.name.family", code="string", min=1),
            )
        )
    )
    assert [one.path for one in profile.elements] == [
        "Patient",
        "Patient.birthDate",
        "Patient.name",
        "Patient.name.family",
    ]


def test_a_guide_means_its_own_profiles_in_its_own_version():
    other = "http://elsewhere.example.org/StructureDefinition/q"
    own = definition()["url"]
    named = element("Patient.link.other", code="Reference") | {
        "type": [{"code": "Reference", "targetProfile": [own, other]}]
    }
    made = build.package(
        "org.example-guide-2.1.0", [definition(element("Patient.link", code="BackboneElement"), named)]
    )
    assert (made.name, made.version) == ("org.example-guide", "2.1.0")
    assert made.structures[0].elements[-1].targets == (f"{own}|2.1.0", other)


def test_slices_stay_with_what_they_slice():
    sliced = element("Patient.identifier", code="Identifier", max="*")
    one = element("Patient.identifier", code="Identifier") | {"id": "Patient.identifier:mrn", "sliceName": "mrn"}
    profile = prune(slim.structure(definition(sliced, one)))
    assert [part.id or part.path for part in profile.elements] == [
        "Patient",
        "Patient.identifier",
        "Patient.identifier:mrn",
    ]


def test_invariants_of_base_types_are_left_to_them():
    rules = [
        {
            "key": "ele-1",
            "severity": "error",
            "expression": "x",
            "source": "http://hl7.org/fhir/StructureDefinition/Element",
        },
        {"key": "own-1", "severity": "error", "expression": "y", "source": "http://example.org/StructureDefinition/p"},
    ]
    profile = slim.structure(definition(element("Patient.active", code="boolean", constraint=rules)))
    assert [rule.key for rule in profile.elements[1].invariants] == ["own-1"]


SYSTEM = {
    "resourceType": "CodeSystem",
    "url": "s",
    "content": "complete",
    "concept": [
        {"code": "a", "concept": [{"code": "a1"}, {"code": "a2"}]},
        {"code": "b", "property": [{"code": "status", "valueCode": "old"}]},
    ],
}


def expand(*include, exclude=(), others=()):
    compose = {"include": list(include), "exclude": list(exclude)}
    valueset = {"resourceType": "ValueSet", "url": "v", "compose": compose}
    return Expander([SYSTEM, *others, valueset]).codes("v")


def test_listed_codes_are_listed():
    assert expand({"system": "s", "concept": [{"code": "a"}]}).listed == {"s": frozenset("a")}


def test_a_complete_code_system_is_named_and_an_absent_one_is_unlisted():
    assert expand({"system": "s"}).whole == {"s"}
    assert expand({"system": "licensed"}).unlisted == {"licensed"}


def test_a_version_in_the_name_of_a_system_is_no_part_of_it():
    assert expand({"system": "s|4.0.1"}).whole == {"s"}


def test_hierarchies_and_properties_filter():
    def filtered(**one):
        return expand({"system": "s", "filter": [one]}).listed["s"]

    assert filtered(property="concept", op="is-a", value="a") == {"a", "a1", "a2"}
    assert filtered(property="concept", op="descendent-of", value="a") == {"a1", "a2"}
    assert filtered(property="concept", op="is-not-a", value="a") == {"b"}
    assert filtered(property="status", op="=", value="old") == {"b"}


def test_what_is_excluded_is_out():
    found = expand({"system": "s"}, exclude=[{"system": "s", "concept": [{"code": "a"}]}])
    assert found.listed["s"] == {"a1", "a2", "b"}


def test_an_unknown_import_leaves_the_set_open():
    assert "*" in expand({"valueSet": ["nowhere"]}).unlisted


def test_an_import_together_with_a_system_is_what_both_have():
    other = {
        "resourceType": "ValueSet",
        "url": "o",
        "compose": {"include": [{"system": "s", "concept": [{"code": "a"}, {"code": "zz"}]}]},
    }
    assert expand({"system": "s", "valueSet": ["o"]}, others=[other]).listed == {"s": frozenset("a")}


def test_a_set_that_imports_itself_ends():
    assert "*" in expand({"valueSet": ["v"]}).unlisted


def test_tables_are_read_back_as_written():
    codes = Codes("v", "1", {"s": frozenset({"a"})})
    assert tables.unpack(tables.pack(codes), Codes) == codes


def test_a_package_that_is_missing_is_named(tmp_path):
    with pytest.raises(BadInput) as caught:
        list(build.read_package(tmp_path, "none-1.0"))
    assert caught.value.where.endswith("none-1.0.tgz")


def test_the_shipped_guides_are_all_there():
    known = {one.split("|")[0] for one in tables.canonicals()}
    for url in (
        "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-claim",
        "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-primary-cancer-condition",
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient",
        "http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/variant",
        "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription",
    ):
        assert url in known


def test_the_shipped_tables_are_small():
    files = list(build._DATA.rglob("*.xz"))
    assert sum(one.stat().st_size for one in files) < 1_500_000
