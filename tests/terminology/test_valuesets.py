"""Value sets are read whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from prior_auth.errors import RuleError
from prior_auth.terminology.valuesets import read_value_set, value_sets

URL = "http://example.org/set"
HL7 = "http://hl7.org/fhir/StructureDefinition/"
A = {"system": "s", "code": "a"}


def set_of(**parts: Any) -> dict[str, Any]:
    return {"resourceType": "ValueSet", "url": URL, "version": "1", **parts}


def test_an_expansion_is_read_with_what_it_nests() -> None:
    inner = [{"system": "s", "code": "b"}]
    found = read_value_set(
        set_of(
            expansion={"contains": [{"system": "s", "code": "a", "contains": inner}, {"abstract": True, "code": "g"}]}
        ),
        where="x.json",
    )
    assert found.codes == {("s", "a"), ("s", "b")}
    assert (found.url, found.version) == (URL, "1")


def test_listed_codes_are_read_without_the_excluded_ones() -> None:
    compose = {
        "include": [
            {"system": "s", "concept": [{"code": "a"}, {"code": "b"}]},
            {"system": "t", "concept": [{"code": "a"}]},
        ],
        "exclude": [{"system": "s", "concept": [{"code": "b"}]}],
    }
    assert read_value_set(set_of(compose=compose), where="x.json").codes == {("s", "a"), ("t", "a")}


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ({"resourceType": "CodeSystem", "url": URL}, "not a ValueSet"),
        ({"resourceType": "ValueSet"}, "needs a url"),
        (set_of(), "is empty"),
        (set_of(compose={"include": [{"system": "s"}]}), "only codes that are listed"),
        (set_of(compose={"include": [{"system": "s", "filter": [{}]}]}), "only codes that are listed"),
        (set_of(compose={"include": [{"valueSet": ["u"]}]}), "only codes that are listed"),
        (set_of(expansion={"contains": [{"code": "a"}]}), "no system"),
        (set_of(expansion={"contains": [A], "total": 2}), "only a part"),
        (set_of(expansion={"contains": [A], "total": 1, "offset": 100}), "only a part"),
        (set_of(expansion={"contains": [A], "extension": [{"url": f"{HL7}valueset-toocostly"}]}), "only a part"),
        (set_of(expansion={"contains": [A], "parameter": [{"name": "limitedExpansion"}]}), "only a part"),
        (set_of(expansion={"contains": ["a"]}), "malformed"),
        (set_of(compose={"include": [{"system": "s", "concept": [{"display": "a"}]}]}), "malformed"),
    ],
)
def test_a_set_that_cannot_be_read_whole_is_refused(resource: dict[str, Any], words: str) -> None:
    with pytest.raises(RuleError, match=words):
        read_value_set(resource, where="x.json")


def test_a_set_is_found_by_url_and_by_version_and_never_twice() -> None:
    one = read_value_set(set_of(compose={"include": [{"system": "s", "concept": [{"code": "a"}]}]}), where="x.json")
    assert value_sets([one]).keys() == {URL, f"{URL}|1"}
    with pytest.raises(RuleError, match="twice"):
        value_sets([one, one])
