"""A window without sign-in answers to its own names only (a foreign page cannot point its name at this machine)."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from prior_auth.bootstrap import payer_side, practice_side
from prior_auth.settings import Temporal


async def answered(app: FastAPI, host: str) -> int:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1") as client:
        return (await client.get("/health", headers={"Host": host})).status_code


async def test_each_window_answers_to_loopback_to_its_own_urls_and_to_the_names_of_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for side in ("PRACTICE", "PAYER"):
        monkeypatch.setenv(f"PRIOR_AUTH_{side}_DATA", str(tmp_path / side))
        monkeypatch.setenv(f"PRIOR_AUTH_{side}_PUBLIC_URL", f"https://{side.lower()}.example.org/fhir")
        monkeypatch.setenv(f"PRIOR_AUTH_{side}_HOSTS", "inside, other")
    async with practice_side() as practice, payer_side() as payer:
        for name, app in (("practice", practice.app(Temporal())), ("payer", payer.app(Temporal()))):
            for host in ("127.0.0.1:8701", "localhost", f"{name}.example.org", "inside", "other:80"):
                assert await answered(app, host) == 200, host
            assert await answered(app, "elsewhere.example") == 400
