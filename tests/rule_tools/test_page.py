"""docs/oncology.md says of every policy what its rule says."""

from __future__ import annotations

from pathlib import Path

from prior_auth.rule_tools.page import page
from prior_auth.rulebook import Rulebook


def test_the_page_of_the_policies_is_true() -> None:
    written = (Path(__file__).parents[2] / "docs" / "oncology.md").read_text(encoding="utf-8")
    assert written == page([one.policy for one in Rulebook.load(None).every_rule]), (
        "run: prior-auth rules page > docs/oncology.md"
    )
