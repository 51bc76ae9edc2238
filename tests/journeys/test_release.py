"""A practice where a person releases each request: on the real services, nothing leaves before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from prior_auth import stories
from prior_auth.demo import ENVIRONMENT, Telling, Window
from prior_auth.supervisor import Supervisor

pytestmark = pytest.mark.xdist_group("journeys")


@pytest.mark.requirement("priv-1", "use-5")
def test_where_a_person_releases_the_payer_hears_nothing_before_and_all_is_certified_after(tmp_path: Path) -> None:
    settings = {**ENVIRONMENT, "PRIOR_AUTH_PRACTICE_RELEASE": "person"}
    with Supervisor(tmp_path / "data", extra=settings) as services:
        services.start(lambda _: None)
        urls = services.urls()
        practice, payer = Window(urls["practice"]), Window(urls["payer"])
        story = stories.load("breast-her2-adjuvant")
        telling = Telling(practice, payer, story, datetime.now(UTC).date(), lambda _: None)
        telling.open()
        assert telling.until("awaiting-release", "certified", "attention") == "awaiting-release"
        assert payer.get("/api/authorizations")["authorizations"] == []
        telling.release("complete")
        assert telling.until("certified", "attention") == "certified"
        told = [entry["what"] for entry in telling.seen["timeline"]]
        assert told.index("released") < told.index("sent-request")
        released = next(entry for entry in telling.seen["timeline"] if entry["what"] == "released")
        assert released["by"] == ENVIRONMENT["PRIOR_AUTH_PRACTICE_PERSON_NAME"]
        assert len(payer.get("/api/authorizations")["authorizations"]) == 1
