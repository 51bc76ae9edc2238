"""Each fault alone in an otherwise valid example: found, at its place, by the rule that it breaks."""

import copy

import pytest

from prior_auth.fhir.validate import validate

PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
CLAIM = "Bundle.entry[0].resource"
ITEM = f"{CLAIM}.item[0]"
INFO = f"{CLAIM}.supportingInfo[0]"
COVERAGE = "Bundle.entry[3].resource"
PATIENT = "Bundle.entry[4].resource"


def of(bundle, kind):
    return next(one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind)


def claim(change):
    return lambda bundle: change(of(bundle, "Claim"))


def coverage(change):
    return lambda bundle: change(of(bundle, "Coverage"))


def patient(change):
    return lambda bundle: change(of(bundle, "Patient"))


# what, how it is planted, where it is found, by which rule
FAULTS = {
    # cardinality, of R4 and of profiles
    "Claim.provider missing": (claim(lambda c: c.pop("provider")), f"{CLAIM}.provider", "cardinality"),
    "Claim.status missing": (claim(lambda c: c.pop("status")), f"{CLAIM}.status", "cardinality"),
    "Claim.item missing, which the profile needs": (claim(lambda c: c.pop("item")), f"{CLAIM}.item", "cardinality"),
    "Bundle.timestamp missing, which the profile needs": (
        lambda b: b.pop("timestamp"), "Bundle.timestamp", "cardinality"),
    "Bundle.identifier missing, which the profile needs": (
        lambda b: b.pop("identifier"), "Bundle.identifier", "cardinality"),
    "Claim.related, which the profile forbids": (
        claim(lambda c: c.update(related=[{"claim": {"display": "x"}}])), f"{CLAIM}.related", "cardinality"),
    "three identifiers where two may be": (
        claim(lambda c: c["identifier"].extend(copy.deepcopy(c["identifier"] * 2))),
        f"{CLAIM}.identifier", "cardinality"),
    "a price without its value is empty": (
        claim(lambda c: c["item"][0].update(unitPrice={})), f"{ITEM}.unitPrice", "empty"),
    # fixed and pattern values
    "Claim.use is not preauthorization": (claim(lambda c: c.update(use="claim")), f"{CLAIM}.use", "fixed"),
    "Claim.status is not active": (claim(lambda c: c.update(status="draft")), f"{CLAIM}.status", "fixed"),
    "Bundle.type is not collection": (lambda b: b.update(type="searchset"), "Bundle.type", "fixed"),
    # slices
    "the Claim's entry missing": (lambda b: b["entry"].pop(0), "Bundle.entry", "slicing"),
    "careTeam without its scope extension": (
        claim(lambda c: c["careTeam"][0].pop("extension")), f"{CLAIM}.careTeam[0].extension", "slicing"),
    "additional information without document information": (
        claim(lambda c: c["supportingInfo"][0].pop("extension")), f"{INFO}.extension", "slicing"),
    "additional information without its reference": (
        claim(lambda c: c["supportingInfo"][0].pop("valueReference")), f"{INFO}.value", "cardinality"),
    "additional information as text": (
        claim(lambda c: (c["supportingInfo"][0].pop("valueReference"), c["supportingInfo"][0].update(valueString="x"))),
        f"{INFO}.value", "type"),
    "a slice of an extension missing": (
        claim(lambda c: c["supportingInfo"][0]["extension"][0]["extension"].pop(0)),
        f"{INFO}.extension[0].extension", "slicing"),
    # extensions
    "an extension that its guide does not define": (
        claim(lambda c: c["extension"].append({"url": f"{PAS}extension-odd", "valueBoolean": True})),
        f"{CLAIM}.extension[2]", "extension"),
    "an unknown modifier extension": (
        claim(lambda c: c.update(modifierExtension=[{"url": "http://payer.test/odd", "valueBoolean": True}])),
        f"{CLAIM}.modifierExtension[0]", "modifier-extension"),
    "an extension's value of another type": (
        patient(lambda p: p.update(extension=[{"url": f"{PAS}extension-militaryStatus", "valueString": "RU"}])),
        f"{PATIENT}.extension[0].value", "type"),
    "an extension where it is not meant to be": (
        coverage(lambda c: c.update(extension=[{"url": f"{PAS}extension-epsdtIndicator", "valueBoolean": True}])),
        f"{COVERAGE}.extension[0]", "extension"),
    "an extension with a value and extensions": (
        claim(lambda c: c["extension"][1].update(valueString="x")), f"{CLAIM}.extension[1]", "invariant:ext-1"),
    # codes
    "a code outside a required binding of R4": (
        patient(lambda p: p.update(gender="man")), f"{PATIENT}.gender", "binding"),
    "a code outside a required binding of the guide": (
        claim(lambda c: c["type"]["coding"][0].update(code="pharmacy")), f"{CLAIM}.type", "binding"),
    "a code that its code system does not have": (
        coverage(lambda c: c["relationship"]["coding"][0].update(code="myself")),
        f"{COVERAGE}.relationship.coding[0].code", "code"),
    # references
    "a reference to a type that R4 forbids": (
        claim(lambda c: c.update(insurer={"reference": "Patient/SubscriberExample"})), f"{CLAIM}.insurer", "reference"),
    "a reference to a type that the profile forbids": (
        claim(lambda c: c["careTeam"][0].update(provider={"reference": "Practitioner/ReferralPractitionerExample"})),
        f"{CLAIM}.careTeam[0].provider", "reference"),
    "a reference to a resource that breaks the profile asked for": (
        patient(lambda p: p.pop("identifier")), f"{CLAIM}.patient", "reference"),
    "a urn:uuid that no entry has": (
        claim(lambda c: c.update(insurer={"reference": "urn:uuid:0b1f9a1e-1111-4111-8111-111111111111"})),
        f"{CLAIM}.insurer.reference", "reference"),
    "a #id that is not contained": (
        claim(lambda c: c.update(insurer={"reference": "#none"})), f"{CLAIM}.insurer.reference", "reference"),
    # invariants, of R4 and of profiles
    "a period that ends before it starts": (
        coverage(lambda c: c.update(period={"start": "2020-02-01", "end": "2020-01-01"})),
        f"{COVERAGE}.period", "invariant:per-1"),
    "a national provider identifier of nine digits, in a slice by pattern": (
        lambda b: of(b, "Practitioner")["identifier"][0].update(value="123456789"),
        "Bundle.entry[7].resource.identifier[0]", "invariant:us-core-16"),
    "a national provider identifier whose check digit is wrong": (
        lambda b: of(b, "Practitioner")["identifier"][0].update(value="1234567890"),
        "Bundle.entry[7].resource.identifier[0]", "invariant:us-core-17"),
    "a quantity without its value, which the datatype's profile needs": (
        claim(lambda c: c["item"][0].update(quantity={"unit": "unit"})), f"{ITEM}.quantity.value", "cardinality"),
    "a quantity with a comparator, which the datatype's profile forbids": (
        claim(lambda c: c["item"][0].update(quantity={"value": 1, "comparator": "<"})),
        f"{ITEM}.quantity.comparator", "cardinality"),
    "a code without its system in a quantity": (
        claim(lambda c: c["item"][0].update(quantity={"value": 1, "code": "UN"})),
        f"{ITEM}.quantity", "invariant:qty-3"),
    # Bundle rules
    "the same fullUrl twice": (
        lambda b: b["entry"].append(copy.deepcopy(b["entry"][1])), "Bundle.entry[10].fullUrl", "invariant:bdl-7"),
    "an entry without fullUrl": (lambda b: b["entry"][1].pop("fullUrl"), "Bundle.entry[1].fullUrl", "bundle"),
    "a fullUrl that ends in another id": (
        lambda b: b["entry"][1].update(fullUrl="http://example.org/fhir/Organization/x"),
        "Bundle.entry[1].fullUrl", "bundle"),
    "a fullUrl that ends in an id, of a resource without one": (
        lambda b: b["entry"][1]["resource"].pop("id"), "Bundle.entry[1].fullUrl", "bundle"),
    "a request in a collection": (
        lambda b: b["entry"][1].update(request={"method": "GET", "url": "x"}),
        "Bundle.entry[1].request", "invariant:bdl-3"),
    # structure and primitives
    "a misspelt element": (claim(lambda c: c.update(pateint={"display": "x"})), f"{CLAIM}.pateint", "unknown"),
    "an object where an array belongs": (
        patient(lambda p: p.update(name={"family": "SMITH"})), f"{PATIENT}.name", "structure"),
    "an array where an object belongs": (
        claim(lambda c: c.update(type=[c["type"]])), f"{CLAIM}.type", "structure"),
    "a choice given twice": (
        claim(lambda c: c["item"][0].update(servicedDate="2026-01-01", servicedPeriod={"start": "2026-01-01"})),
        f"{ITEM}.serviced", "choice"),
    "a day that is not in the calendar": (
        claim(lambda c: c.update(created="2020-02-30")), f"{CLAIM}.created", "primitive"),
    "a time without zone": (claim(lambda c: c.update(created="2020-02-03T10:00:00")), f"{CLAIM}.created", "primitive"),
    "a number as text": (
        claim(lambda c: c["item"][0].update(sequence="1")), f"{ITEM}.sequence", "structure"),
    "a decimal as text": (
        claim(lambda c: c["item"][0].update(quantity={"value": "1.0", "unit": "unit"})),
        f"{ITEM}.quantity.value", "structure"),
    "a boolean as text": (patient(lambda p: p.update(active="true")), f"{PATIENT}.active", "structure"),
    "nothing where a value belongs": (patient(lambda p: p.update(birthDate=None)), f"{PATIENT}.birthDate", "structure"),
    "a contained resource that nothing refers to": (
        patient(lambda p: p.update(contained=[{"resourceType": "Organization", "id": "o", "name": "x"}])),
        PATIENT, "invariant:dom-3"),
    "a contained resource in a contained one": (
        patient(lambda p: p.update(
            managingOrganization={"reference": "#o"},
            contained=[{"resourceType": "Organization", "id": "o", "name": "x", "contained": [
                {"resourceType": "Organization", "id": "i", "name": "y"}]}])),
        PATIENT, "invariant:dom-2"),
    "a contained resource of the wrong type": (
        patient(lambda p: p.update(
            managingOrganization={"reference": "#o"},
            contained=[{"resourceType": "Location", "id": "o", "name": "x"}])),
        f"{PATIENT}.managingOrganization", "reference"),
    "a positive integer that is 0": (
        claim(lambda c: c["item"][0].update(sequence=0)), f"{ITEM}.sequence", "primitive"),
    "an empty string": (coverage(lambda c: c.update(subscriberId="")), f"{COVERAGE}.subscriberId", "primitive"),
    "an empty array": (claim(lambda c: c.update(careTeam=[])), f"{CLAIM}.careTeam", "empty"),
    "an illegal id": (patient(lambda p: p.update(id="a/b")), f"{PATIENT}.id", "primitive"),
    "a script in the narrative": (
        patient(lambda p: p.update(text={
            "status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>'})),
        f"{PATIENT}.text.div", "narrative"),
    # profiles
    "a profile of another type in meta.profile": (
        patient(lambda p: p.update(meta={"profile": [f"{PAS}profile-claim"]})), PATIENT, "profile"),
    "a profile that its guide does not define": (
        patient(lambda p: p.update(meta={"profile": [f"{PAS}profile-none"]})), PATIENT, "profile"),
    "a resource type that R4 does not have": (
        patient(lambda p: p.update(resourceType="Sufferer")), PATIENT, "structure"),
}  # fmt: skip


def test_the_example_itself_has_no_errors(example):
    assert [one for one in validate(example("pas-request")) if one.severity == "error"] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_at_its_place(example, fault):
    plant, path, rule = FAULTS[fault]
    bundle = example("pas-request")

    plant(bundle)

    errors = [one for one in validate(bundle) if one.severity == "error"]
    assert any(one.path == path and one.rule.startswith(rule) for one in errors), errors


@pytest.mark.parametrize("fault", FAULTS)
def test_messages_hold_no_patient_data(example, fault):
    bundle = example("pas-request")
    FAULTS[fault][0](bundle)

    told = " ".join(f"{one.message} {one.fix}" for one in validate(bundle))

    for word in ("SMITH", "JOE", "1955", "12345678901"):
        assert word not in told.upper()
