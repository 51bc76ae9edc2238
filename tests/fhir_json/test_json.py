import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prior_auth.errors import BadInput
from prior_auth.fhir import json


def refused(data: bytes | str, **limits: int) -> BadInput:
    with pytest.raises(BadInput) as caught:
        json.read(data, **limits)
    return caught.value


def test_decimals_keep_their_digits_both_ways():
    text = b'{"value":72.50,"big":123456789012345678901.0,"whole":3,"small":0.010}'
    assert json.read(text)["value"] == Decimal("72.50")
    assert str(json.read(text)["value"]) == "72.50"
    assert json.write(json.read(text)) == text


def test_unknown_elements_and_order_stay():
    text = '{"resourceType":"Patient","_birthDate":{"id":"x"},"given":[null,"Ann"],"zz":{"a":1},"é":"ß"}'.encode()
    assert json.write(json.read(text)) == text


def test_malformed_json_is_refused_with_line_and_column():
    problem = refused(b'{"resourceType": "Patient",\n  "active": tru}')
    assert problem.where == "line 2, column 13"
    assert problem.fix


def test_a_file_name_opens_the_place():
    with pytest.raises(BadInput) as caught:
        json.read(b"{", name="chart.json")
    assert caught.value.where == "chart.json:1:2"


def test_a_duplicate_key_is_refused_where_the_second_stands():
    problem = refused(b'{"a": {"id": "1"},\n "b": [{"id": "2", "x": ":", "id": "3"}]}')
    assert "'id'" in problem.message
    assert problem.where == "line 2, column 30"


def test_keys_equal_after_unescaping_are_duplicates():
    assert "twice" in refused(b'{"id": "1", "\\u0069d": "2"}').message


@pytest.mark.parametrize("text", [b"[]", b'"Patient"', b"1", b"null"])
def test_anything_but_an_object_is_refused(text):
    assert refused(text).message == "not a JSON object"


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999999999", "1" * 5000, "1e99999999999999999999999"])
def test_numbers_that_mean_nothing_are_refused_by_place(number):
    assert refused('{"a": "NaN",\n"value": ' + number + "}").where == "line 2, column 10"


def test_64_levels_are_read_and_65_are_not():
    def nested(levels: int) -> str:
        return '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)

    json.read(nested(64))
    for text, column in ((nested(65), 321), ('{"a":' + "[" * 100_000, 69)):
        assert "64" in refused(text).message
        assert refused(text).where == f"line 1, column {column}"


def test_too_large_is_refused_before_parsing():
    assert "11 bytes" in refused(b'{"a": "bc"}', max_bytes=10).message


def test_not_utf8_is_refused_by_place():
    assert refused(b'{"a":\n"\xff"}').where == "line 2, column 2"


def test_half_a_surrogate_pair_is_refused():
    assert "surrogate" in refused(b'{"a": "\\ud800"}').message
    assert json.read(b'{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


def test_a_byte_order_mark_is_skipped():
    assert json.read(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values, max_size=4))
def test_what_was_written_is_read_back_the_same(value):
    assert json.write(json.read(json.write(value))) == json.write(value)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(BadInput):
        assert isinstance(json.read(data), dict)
