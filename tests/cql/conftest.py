"""A small way to ask the engine one question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from prior_auth.cql import Library, Resources, Result, compile_library
from prior_auth.terminology.valuesets import ValueSet

HEAD = """library Test version '1'
using FHIR version '4.0.1'
include FHIRHelpers version '4.0.1' called FHIRHelpers
codesystem "LOINC": 'http://loinc.org'
valueset "Tests": 'http://example.org/tests'
code "LVEF": '10230-1' from "LOINC"
parameter AsOf Date
context Patient
"""
SETS = {
    "http://example.org/tests": ValueSet("http://example.org/tests", "1", frozenset({("http://loinc.org", "10230-1")}))
}

Ask = Callable[..., Result]


@pytest.fixture
def load() -> Callable[..., Library]:
    """Compiles declarations below a usual head; the first line after it is line 9."""

    def loaded(text: str, **options: Any) -> Library:
        return compile_library(HEAD + text, valuesets=SETS, name="Test.cql", **options)

    return loaded


@pytest.fixture
def ask(load: Callable[..., Library]) -> Ask:
    """The result of one expression over some resources."""

    def asked(expression: str, *resources: dict[str, Any], **options: Any) -> Result:
        library = load(f'define "It": {expression}')
        return library.evaluate(Resources(resources), **options)["It"]

    return asked
