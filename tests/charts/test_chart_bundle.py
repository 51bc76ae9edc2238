from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from prior_auth import stories
from prior_auth.errors import BadInput
from prior_auth.fhir.chart_bundle import chart_resources

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in parts for found in [(*path, key), *places(part, (*path, key))]]


def put(whole: Any, path: tuple[Any, ...], new: Any) -> None:
    for key in path[:-1]:
        whole = whole[key]
    whole[path[-1]] = new


BUNDLE = stories.load("breast-her2-adjuvant").chart() | {
    "entry": stories.load("breast-her2-adjuvant").chart()["entry"][:6]
}
PLACES = places(BUNDLE)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PLACES), ANY_JSON)
def test_a_broken_bundle_is_read_or_refused_but_never_breaks_the_reader(path: tuple[Any, ...], new: Any) -> None:
    broken = deepcopy(BUNDLE)
    put(broken, path, new)
    held: list[dict[str, Any]] = []
    refusal: BadInput | None = None
    try:
        held = chart_resources(broken)
    except BadInput as problem:
        refusal = problem
    assert held or (refusal is not None and refusal.where and refusal.fix)


def test_what_is_read_leaves_the_bundle_as_it_was() -> None:
    before = deepcopy(BUNDLE)
    chart_resources(BUNDLE)[0]["id"] = "changed"
    assert before == BUNDLE
