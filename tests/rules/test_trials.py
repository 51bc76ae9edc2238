"""A trial is matched by the same evidence and engine as a request, and neither ever meets the other."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from prior_auth import stories
from prior_auth.cli import app
from prior_auth.cql import Budget
from prior_auth.domain.coding import Coding
from prior_auth.engine import Engine
from prior_auth.errors import BadInput, RuleError
from prior_auth.fhir import json
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.policy.files import read_trial
from prior_auth.rulebook import Rulebook, rules_folder

STORY = stories.load("breast-brca-trial")


@pytest.fixture(scope="module")
def without_order() -> list[dict[str, Any]]:
    """The chart of a patient for whom nothing is ordered, and who is not insured."""
    chart = chart_resources(STORY.chart())
    return [one for one in chart if one["resourceType"] not in ("MedicationRequest", "Coverage")]


def test_a_chart_needs_neither_order_nor_coverage(rulebook: Rulebook, without_order: list[dict[str, Any]]) -> None:
    (found,) = Engine(rulebook).match(without_order, as_of=STORY.day, trial="NCT02000622")
    assert found.eligibility == "eligible-by-the-record"
    assert found.missing == ()
    assert found.left_to_site


@pytest.mark.parametrize("named", ["NCT02000622", "T01", "olympiad"])
def test_a_trial_is_found_by_number_id_or_topic(named: str, rulebook: Rulebook) -> None:
    assert rulebook.trial(named).policy.id == "T01"


def test_a_trial_that_is_not_in_the_rulebook_is_named_by_none(rulebook: Rulebook) -> None:
    with pytest.raises(BadInput, match="NCT02000622"):
        rulebook.trial("R14")


def test_no_service_is_judged_by_a_trial_nor_a_patient_by_a_payers_policy(rulebook: Rulebook) -> None:
    assert all(one.policy.trial is None for one in rulebook.rules)
    assert all(one.policy.trial is not None and not one.policy.payer for one in rulebook.trials)
    olaparib = [Coding("http://www.nlm.nih.gov/research/umls/rxnorm", "1597582")]
    for payer in rulebook.payers.values():
        found = rulebook.rule_for(payer, olaparib, date(2026, 9, 15), "olaparib")
        assert found is not None
        assert found.policy.id == "R14"


def test_a_rule_that_breaks_leaves_it_open(rulebook: Rulebook, without_order: list[dict[str, Any]]) -> None:
    exhausted = Engine(rulebook, Budget(steps=1))
    (found,) = exhausted.match(without_order, as_of=STORY.day)
    assert found.eligibility == "cannot-be-said-yet"
    assert all(one.problem for one in found.criteria)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("kind: trial\n", ""), "kind"),
        (("kind: exclusion", "kind: limit"), "a trial limits nothing"),
        (("left_to_site:", "benefit: {PLAN-GOLD: pas}\nleft_to_site:"), "benefit"),
        (("nct: NCT02000622", "nct: '02000622'"), "nct"),
    ],
)
def test_what_is_no_trial_is_refused(change: tuple[str, str], said: str, rulebook: Rulebook) -> None:
    text = (rules_folder() / "trials/olympiad/policy.yaml").read_text("utf-8").replace(*change, 1)
    with pytest.raises(RuleError, match=said):
        read_trial(text, file="policy.yaml", topic="olympiad", definitions=rulebook.definitions)


def test_the_command_says_what_it_is_not(tmp_path: Path) -> None:
    file = tmp_path / "chart.json"
    file.write_bytes(json.write(STORY.chart(remove=["lab.platelets"])))
    done = CliRunner().invoke(app, ["match-trial", str(file), "--as-of", STORY.day.isoformat(), "--json"])
    assert done.exit_code == 0
    (found,) = json.read(done.stdout_bytes)["matches"]
    assert (found["trial"], found["eligibility"]) == ("NCT02000622", "cannot-be-said-yet")
    assert [need["item"] for need in found["missing"]] == ["lab.platelets"]
    assert "no authorization" in found["is_not"]
    assert not {"recommendation", "coverage", "proposal"} & found.keys()
