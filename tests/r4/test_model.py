import pytest

from prior_auth.r4 import model


def test_all_types_of_r4_are_there():
    names = model.type_names()
    assert {"Patient", "Observation", "Quantity", "string", "Resource", "Timing", "Age"} <= names
    assert sum(model.is_resource(name) for name in names) == 148  # 146 concrete, Resource, DomainResource
    assert sum(model.is_primitive(name) for name in names) == 20
    assert "SubscriptionTopic" not in names


def test_a_choice_has_all_its_types_and_each_key_the_one():
    choice = model.element("Observation", "value")
    assert choice is not None
    assert choice.is_choice
    assert {"Quantity", "CodeableConcept", "boolean"} <= set(choice.codes)
    concrete = model.element("Observation", "valueQuantity")
    assert concrete is not None
    assert concrete.codes == ("Quantity",)
    assert concrete.name == "value"
    assert model.element("Observation", "valueMoney") is None


def test_inherited_elements_are_found():
    assert model.element("Observation", "id").codes == ("id",)
    assert model.element("Observation.component", "id").codes == ("string",)
    assert model.element("Observation", "contained").codes == ("Resource",)
    assert model.element("Observation.component", "modifierExtension").codes == ("Extension",)
    assert model.element("Timing.repeat", "modifierExtension") is None
    assert model.element("Age", "value").codes == ("decimal",)


def test_backbones_and_content_references_are_entered_by_path():
    assert model.element("Observation", "component").inner_types == ("Observation.component",)
    assert model.element("Observation.component", "referenceRange").inner_types == ("Observation.referenceRange",)
    assert model.element("Observation.referenceRange", "low").codes == ("Quantity",)
    assert model.element("Questionnaire.item", "item").inner_types == ("Questionnaire.item",)


def test_cardinalities_bindings_and_targets_are_as_published():
    status = model.element("Observation", "status")
    assert (status.min, status.max) == (1, 1)
    assert status.binding.strength == "required"
    assert status.binding.valueset == "http://hl7.org/fhir/ValueSet/observation-status|4.0.1"
    assert status.is_modifier
    component = model.element("Observation", "component")
    assert (component.min, component.max) == (0, None)
    assert model.element("Condition", "subject").targets == (
        "http://hl7.org/fhir/StructureDefinition/Patient",
        "http://hl7.org/fhir/StructureDefinition/Group",
    )


def test_the_base_chain_is_known():
    assert model.ancestors("Observation") == ("DomainResource", "Resource")
    assert model.ancestors("Observation.component") == ("BackboneElement", "Element")
    assert model.ancestors("positiveInt") == ("integer", "Element")
    assert model.is_subtype("Age", "Quantity")
    assert not model.is_subtype("Quantity", "Age")


def test_what_r4_does_not_know_is_none():
    assert model.element("Patient", "surname") is None
    assert model.element("Nonsense", "id") is None
    assert not model.is_resource("Nonsense")


@pytest.mark.parametrize("name", sorted(model.type_names()))
def test_every_element_leads_on_to_a_known_type(name):
    for child in model.elements(name).values():
        for inner in child.inner_types:
            assert inner.startswith("System.") or model.elements(inner), child.path
