"""`prior-auth change`, `cancel`, `inquire` and `renew`: what they ask of the practice's window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from prior_auth import cli
from prior_auth.commands import services
from prior_auth.fhir import json

WINDOW = "http://127.0.0.1:8701/api/cases/c1"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """Every call that would go to the window."""
    calls: list[tuple[str, str, Any]] = []

    def ask(method: str, url: str, **more: Any) -> dict[str, Any]:
        body = more.get("content") or b""
        calls.append((method, url, json.read(body) if body.startswith(b"{") else body or more.get("params")))
        return {"id": "c1", "status": "certified"}

    monkeypatch.setattr(services, "_ask", ask)
    return calls


def run(*arguments: str) -> None:
    done = CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_a_whole_request_or_one_order_of_it_is_cancelled(asked: list[tuple[str, str, Any]]) -> None:
    run("cancel", "c1")
    run("cancel", "c1", "--order", "MedicationRequest/a")
    assert asked == [
        ("POST", f"{WINDOW}/changes", {"cancel": True}),
        ("POST", f"{WINDOW}/changes", {"cancel": ["MedicationRequest/a"]}),
    ]


def test_orders_and_dropped_evidence_go_as_one_change(asked: list[tuple[str, str, Any]], tmp_path: Path) -> None:
    order = tmp_path / "order.json"
    order.write_text('{"resourceType":"MedicationRequest","id":"a"}')
    run("change", "c1", "--order", str(order), "--drop", "Observation/x")
    wish = {"orders": [{"resourceType": "MedicationRequest", "id": "a"}], "drop": ["Observation/x"]}
    assert asked == [("POST", f"{WINDOW}/changes", wish)]


def test_a_payer_is_asked_and_an_authorization_renewed(asked: list[tuple[str, str, Any]]) -> None:
    run("inquire", "c1")
    run("renew", "c1", "--order", "MedicationRequest/next")
    assert asked == [
        ("POST", f"{WINDOW}/inquiry", None),
        ("POST", f"{WINDOW}/renewal", {"order": ["MedicationRequest/next"]}),
    ]
