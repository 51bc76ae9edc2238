"""Code systems by the addresses charts use for them, and the codings of a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.reading import Unreadable

SCT = "http://snomed.info/sct"
LNC = "http://loinc.org"
RXN = "http://www.nlm.nih.gov/research/umls/rxnorm"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICDO3 = "http://terminology.hl7.org/CodeSystem/icd-o-3"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
HGNC = "http://www.genenames.org"
HGVS = "http://varnomen.hgvs.org"
AJCC = "http://cancerstaging.org"
NDC = "http://hl7.org/fhir/sid/ndc"
CLINVAR = "http://www.ncbi.nlm.nih.gov/clinvar"
SO = "http://www.sequenceontology.org"
FINDING = "urn:prior-auth:finding"  # questions that no code system of the guides has
VALUE = "urn:prior-auth:value"  # and their answers
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
NULL_FLAVOR = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"

# Other addresses and names of the same systems, without scheme and closing slash, lower case.
_ALIASES = {
    "urn:oid:2.16.840.1.113883.6.96": SCT,
    "urn:oid:2.16.840.1.113883.6.1": LNC,
    "urn:oid:2.16.840.1.113883.6.88": RXN,
    "urn:oid:2.16.840.1.113883.6.90": ICD10CM,
    "urn:oid:2.16.840.1.113883.6.3": ICD10CM,
    "urn:oid:2.16.840.1.113883.6.69": NDC,
    "urn:oid:2.16.840.1.113883.6.285": HCPCS,
    "urn:oid:2.16.840.1.113883.6.14": HCPCS,
    "urn:oid:2.16.840.1.113883.6.43.1": ICDO3,
    "urn:oid:2.16.840.1.113883.3.26.1.1": NCIT,
    "urn:oid:2.16.840.1.113883.6.281": HGNC,
    "hl7.org/fhir/sid/icd-10": ICD10CM,  # its three-character categories mean the same for neoplasms
    "bluebutton.cms.gov/resources/codesystem/hcpcs": HCPCS,
    "nlm.nih.gov/research/umls/hcpcs": HCPCS,
    "terminology.hl7.org/codesystem/hcpcs": HCPCS,
    "genenames.org/geneid": HGNC,
    "hl7.org/fhir/sid/icd-o-3": ICDO3,
    "snomed": SCT,
    "snomed ct": SCT,
    "snomed-ct": SCT,
    "snomedct": SCT,
    "loinc": LNC,
    "rxnorm": RXN,
    "icd-10-cm": ICD10CM,
    "icd10cm": ICD10CM,
    "icd-10": ICD10CM,
    "icd10": ICD10CM,
    "hcpcs": HCPCS,
    "ndc": NDC,
    "icd-o-3": ICDO3,
    "hgnc": HGNC,
}
_CANONICAL = (SCT, LNC, RXN, NCIT, ICD10CM, ICDO3, HCPCS, HGNC, HGVS, AJCC, NDC, CLINVAR, SO)
_LOINC_ANSWER = re.compile(r"LA\d{2,6}-\d")


def _plain(address: str) -> str:
    return re.sub(r"^https?://(www\.)?", "", address.strip().lower()).rstrip("/")


_KNOWN = {_plain(address): address for address in _CANONICAL} | _ALIASES
_AS_THEY_ARE = frozenset(address for address in _CANONICAL if _KNOWN[_plain(address)] == address)


def system_of(uri: Any) -> str:
    """The canonical address of a code system, for any of the addresses and names charts use; empty where there is none.

    A version that is part of the address (`http://snomed.info/sct/731000124108`) is left aside.
    """
    if not isinstance(uri, str) or not uri.strip():
        return ""
    if uri in _AS_THEY_ARE:
        return uri
    plain = _plain(uri)
    if plain.startswith("snomed.info/sct"):
        return SCT
    return _KNOWN.get(plain) or uri.strip().rstrip("/")


_ALSO_STANDARD = ("ama-assn.org/go/cpt", "cms.gov/medicare/coding/icd10", "ncbi.nlm.nih.gov/gtr", "unitsofmeasure.org")


def is_standard(uri: Any) -> bool:
    """Whether a code system is one that charts share: a terminology, or one of HL7's own."""
    plain = _plain(uri) if isinstance(uri, str) else ""
    shared = plain in _KNOWN or plain in _ALSO_STANDARD or plain.startswith("urn:prior-auth:")
    return shared or "hl7.org/" in plain or plain.startswith("snomed.info/sct")


def objects(raw: Any) -> tuple[Mapping[str, Any], ...]:
    """The JSON objects of a list; none of anything that is no list."""
    return tuple(each for each in raw if isinstance(each, Mapping)) if isinstance(raw, list | tuple) else ()


def coding_of(raw: Mapping[str, Any]) -> Coding | None:
    """One FHIR Coding; a LOINC answer without system is LOINC, any other code without system stays without."""
    code = raw.get("code")
    if not isinstance(code, str) or not code.strip():
        return None
    code = code.strip()
    system = system_of(raw.get("system"))
    if not system and _LOINC_ANSWER.fullmatch(code):
        system = LNC
    display = raw.get("display")
    return Coding(system, code, display if isinstance(display, str) else None)


def codings(value: Any) -> tuple[Coding, ...]:
    """The codings of a CodeableConcept (or of one Coding); none of anything else."""
    if not isinstance(value, Mapping):
        return ()
    raw = value.get("coding", [value] if "code" in value and "value" not in value else [])
    found = (coding_of(each) for each in objects(raw))
    return tuple(each for each in found if each is not None)


def statements(value: Any) -> tuple[str, ...]:
    """What a value says in words: a string itself; a concept's text, then its displays."""
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    if not isinstance(value, Mapping):
        return ()
    said = [value.get("text"), value.get("display")]
    said += [each.get("display") for each in objects(value.get("coding"))]
    return tuple(dict.fromkeys(words for words in said if isinstance(words, str) and words.strip()))


def refuse_absent(value: Any) -> None:
    """Raises Unreadable where the value says that there is none (data-absent-reason, a null flavor)."""
    if any(each.system in (ABSENT, NULL_FLAVOR) for each in codings(value)):
        raise Unreadable("the value says that it is absent")


def only(found: set[str], what: str) -> str | None:
    """The one value of a set, None of an empty one. Raises Unreadable where several contradict."""
    if len(found) > 1:
        raise Unreadable(f"the {what} contradicts itself")
    return next(iter(found), None)


def has_code(resource: Mapping[str, Any], system: str, *codes: str) -> bool:
    """Is the resource's question (its `code`) one of these?"""
    return any(each.system == system and each.code in codes for each in codings(resource.get("code")))


def question_words(resource: Mapping[str, Any]) -> str:
    """What the resource asks and how it was measured, in words: code and method."""
    said = (*statements(resource.get("code")), *statements(resource.get("method")))
    return " | ".join(said)
