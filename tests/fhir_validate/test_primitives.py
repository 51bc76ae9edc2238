import pytest

from prior_auth.fhir.validate import narrative
from prior_auth.fhir.validate.primitives import CHECKERS
from prior_auth.r4 import model

GOOD = {
    "boolean": [True, False],
    "integer": [0, -5],
    "unsignedInt": [0],
    "positiveInt": [1],
    "decimal": [1, 0.5],
    "string": ["x", " x\ty", " "],
    "code": ["a", "a b"],
    "id": ["A-1.b"],
    "uri": ["urn:oid:2.16.840", "http://x", "urn:uuid:0b1f9a1e-1111-4111-8111-111111111111"],
    "oid": ["urn:oid:1.2.3"],
    "uuid": ["urn:uuid:0b1f9a1e-1111-4111-8111-111111111111"],
    "date": ["2026", "2026-02", "2024-02-29"],
    "dateTime": ["2026", "2026-02-03T10:00:00Z", "2026-02-03T10:00:00.123+02:00"],
    "instant": ["2026-02-03T10:00:00Z"],
    "time": ["10:00:00"],
    "base64Binary": ["YWJj", "YW Jj\n", "YQ=="],
}
BAD = {
    "boolean": ["true", 1, None],
    "integer": [True, "1", 1.5, 2**31],
    "unsignedInt": [-1],
    "positiveInt": [0],
    "decimal": ["1", True],
    "string": ["", 1, "\x00"],
    "code": [" a", "a  b", " "],
    "id": ["a/b", "x" * 65],
    "uri": ["a b", "urn:oid:x", "urn:uuid:1"],
    "oid": ["1.2.3"],
    "uuid": ["urn:uuid:1"],
    "date": ["2026-2-3", "2026-02-30", "2026-13", "0000", "2026-02-03T10:00:00Z"],
    "dateTime": ["2026-02-03T10:00Z", "2026-02-03T10:00:00", "2023-02-29", "2026-02-03T25:00:00Z"],
    "instant": ["2026-02-03"],
    "time": ["10:00", "24:00:00"],
    "base64Binary": ["YWJ", "***"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values])
def test_good_values_pass(kind, value):
    assert CHECKERS[kind](value) is None


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values])
def test_bad_values_are_told_without_being_quoted(kind, value):
    assert CHECKERS[kind](value)


def test_every_primitive_type_of_r4_has_a_checker():
    assert {one for one in model.type_names() if model.is_primitive(one)} == set(CHECKERS)


DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


@pytest.mark.parametrize("inside", ["x", "<p>x<br/></p>", '<img src="x.png" alt="x"/>', "a&nbsp;b"])
def test_simple_narratives_pass(inside):
    assert narrative.problem(DIV.format(inside)) is None


@pytest.mark.parametrize("inside", ["", "<script>x</script>", '<p onclick="x()">x</p>', "<p>x", "<form>x</form>"])
def test_other_narratives_are_refused(inside):
    assert narrative.problem(DIV.format(inside))


def test_a_narrative_is_a_div_of_xhtml_without_entities_of_its_own():
    assert narrative.problem("<div>x</div>")
    assert narrative.problem('<p xmlns="http://www.w3.org/1999/xhtml">x</p>')
    assert narrative.problem('<!DOCTYPE d [<!ENTITY a "b">]>' + DIV.format("&a;"))
