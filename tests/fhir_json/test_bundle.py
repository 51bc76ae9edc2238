import pytest

from prior_auth.errors import BadInput
from prior_auth.fhir import bundle
from prior_auth.fhir.bundle import Index

ANN = {"resourceType": "Patient", "id": "ann"}
ECOG = {"resourceType": "Observation", "id": "ecog", "subject": {"reference": "Patient/ann"}}


def of(*entries, kind="collection"):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def refused(given) -> BadInput:
    with pytest.raises(BadInput) as caught:
        bundle.resources(given)
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize("kind", ["collection", "searchset", "transaction", "document"])
def test_resources_come_in_the_order_of_the_bundle(kind):
    assert bundle.resources(of({"resource": ECOG}, {"resource": ANN}, kind=kind)) == [ECOG, ANN]


def test_a_single_resource_and_lists_are_taken_too():
    assert bundle.resources(ANN) == [ANN]
    assert bundle.resources([ANN, {"resource": ECOG}]) == [ANN, ECOG]


def test_a_delete_in_a_transaction_carries_no_resource():
    delete = {"request": {"method": "DELETE", "url": "Patient/2"}}
    assert bundle.resources(of({"resource": ANN}, delete, kind="transaction")) == [ANN]


def test_a_bundle_without_entries_is_refused():
    assert refused({"resourceType": "Bundle", "type": "collection"}).where == "Bundle.entry"
    assert refused(of()).where == "Bundle.entry"


def test_an_entry_without_resource_is_refused_by_its_path():
    assert refused(of({"resource": ANN}, {"fullUrl": "urn:uuid:1"})).where == "Bundle.entry[1].resource"


def test_a_resource_without_type_is_refused_by_its_path():
    assert refused(of({"resource": {"id": "x"}})).where == "Bundle.entry[0].resource.resourceType"
    assert refused({"id": "x"}).where == "resourceType"
    assert refused({"resourceType": 7}).where == "resourceType"
    assert refused(of("Patient")).where == "Bundle.entry[0]"


def test_urn_uuid_resolves_by_full_url_only():
    index = Index(of({"fullUrl": "urn:uuid:a", "resource": ANN}, {"fullUrl": "urn:uuid:b", "resource": ECOG}))
    assert index.resolve("urn:uuid:a") == ANN
    assert index.resolve("urn:uuid:c") is None


def test_a_relative_reference_is_of_the_server_it_stands_on():
    other = {"resourceType": "Patient", "id": "ann", "active": False}
    index = Index(
        of(
            {"fullUrl": "https://one.example/fhir/Patient/ann", "resource": other},
            {"fullUrl": "https://two.example/fhir/Patient/ann", "resource": ANN},
            {"fullUrl": "https://two.example/fhir/Observation/ecog", "resource": ECOG},
        )
    )
    assert index.resolve("Patient/ann", base=index.entries[2]) == ANN
    assert index.resolve("https://one.example/fhir/Patient/ann") == other
    assert index.resolve("https://three.example/fhir/Patient/ann") is None


def test_a_relative_reference_among_urn_uuids_falls_back_to_type_and_id():
    index = Index(of({"fullUrl": "urn:uuid:a", "resource": ANN}, {"fullUrl": "urn:uuid:b", "resource": ECOG}))
    assert index.resolve("Patient/ann", base=index.entries[1]) == ANN
    assert index.resolve("Patient/ann/_history/3") == ANN


def test_contained_resources_resolve_in_their_container():
    drug = {"resourceType": "Medication", "id": "m"}
    order = {"resourceType": "MedicationRequest", "id": "o", "contained": [drug]}
    index = Index(order)
    assert index.resolve("#m", base=index.entries[0]) == drug
    assert index.resolve("#m", container=order) == drug
    assert index.resolve("#x", container=order) is None
    assert index.resolve("#m") is None


def test_type_and_id_reads_restful_references_only():
    assert bundle.type_and_id("https://x.example/fhir/Patient/1/_history/2") == ("Patient", "1")
    assert bundle.type_and_id("Patient/1") == ("Patient", "1")
    assert bundle.type_and_id("urn:uuid:1") is None
    assert bundle.type_and_id("#p") is None
