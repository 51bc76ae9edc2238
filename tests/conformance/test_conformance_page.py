"""docs/conformance.md is what the marks in the tests say; every requirement has a test or a reason."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from prior_auth.conformance.pas.requirements import requirements


@pytest.fixture(scope="module")
def page() -> Iterator[ModuleType]:
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    import requirement_page

    yield requirement_page
    sys.path.remove(folder)


def test_the_page_is_what_the_marks_say(page: ModuleType) -> None:
    written = page.PAGE.read_text(encoding="utf-8")
    assert page.render(page.outcomes_of(written)) == written, (
        "run tests/conformance/requirement_page.py --missing, and commit the page with the mark"
    )


def test_every_requirement_has_a_test_that_passed_or_a_reason(page: ModuleType) -> None:
    marked, outcomes = page.marked(), page.outcomes_of(page.PAGE.read_text(encoding="utf-8"))
    assert set(marked) <= set(requirements())
    assert set(requirements()) - set(marked) <= set(page.REASONS)
    assert {outcomes.get(name) for names in marked.values() for name in names} <= {"pass", "skipped"}
    proven = [one for one, names in marked.items() if any(outcomes[name] == "pass" for name in names)]
    assert sorted(proven) == sorted(marked)


def test_the_requirements_are_those_of_the_package(shared: Path) -> None:
    import re
    import tarfile

    with tarfile.open(shared / "ig" / "hl7.fhir.us.davinci-pas-2.2.1.tgz") as package:
        member = package.extractfile("package/Basic-fromNarrative.json")
        assert member is not None
        text = member.read().decode()
    assert set(re.findall(r'<a name=\\"([a-z]+(?:-[a-z]+)?-\d+)\\">', text)) == set(requirements())


def test_the_judges_name_requirements_that_there_are(page: ModuleType) -> None:
    assert set(page.rules_by_requirement()) <= set(requirements())
