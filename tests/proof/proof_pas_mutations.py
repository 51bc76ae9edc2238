"""Damaged PAS requests before the payer's window: never a 500, and a refusal is one OperationOutcome with a place.

The real app, store and activities, in this process; a review that breaks would be a 500 here. What is damaged: every
golden request and update, one to six changes each, and now and then the bytes. What is taken is answered by a Bundle
that is sound R4, its ClaimResponse first.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "fhir_validate"), str(ROOT / "tests" / "api")]

import companies  # noqa: E402
from mutations import damage, damaged_text, mutate  # noqa: E402

from prior_auth.api.payer import payer_app  # noqa: E402
from prior_auth.fhir import json  # noqa: E402
from prior_auth.fhir.validate import check_structure, has_errors  # noqa: E402

SIZE, CHUNK = 10_000, 100
SECONDS = 10.0  # of processor time for one answer; the typical one takes 0.05
HANGS = 300.0  # seconds by the clock
DOORS = ("Claim/$submit", "Claim/$submit", "Claim/$submit", "Claim/$inquire", "$submit-attachment")


def prove(seed: int, first: int, count: int) -> tuple[Counter[str], list[str]]:
    return asyncio.run(_proven(seed, range(first, first + count)))


async def _proven(seed: int, numbers: range) -> tuple[Counter[str], list[str]]:
    outcomes: Counter[str] = Counter()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        async with companies.payer(Path(folder), url="http://payer.example") as side:
            desk = replace(companies.desk(side, companies.CLINICIAN), answer_within=timedelta(0))
            transport = httpx2.ASGITransport(app=payer_app(desk), raise_app_exceptions=False)
            async with httpx2.AsyncClient(transport=transport, base_url="http://payer.example") as http:
                for number in numbers:
                    try:
                        outcomes[await _outcome(http, random.Random(f"{seed}/{number}"))] += 1
                    except Exception as problem:
                        failures.append(f"{number}: {type(problem).__name__}: {str(problem)[:200]}")
    return outcomes, failures


async def _outcome(http: httpx2.AsyncClient, dice: random.Random) -> str:
    door = dice.choice(DOORS)
    bundle = json.read(dice.choice(_messages()["attachment" if "attachment" in door else "request"]))
    if dice.random() < 0.5 or mutate(bundle, dice) is None:  # half the cases: one plausible mistake
        damage(bundle, dice)
    body = json.write(bundle)
    if dice.random() < 0.05:
        body = damaged_text(body, dice)
    posting = http.post(f"/fhir/{door}", content=body, headers={"Content-Type": "application/fhir+json"})
    start = time.process_time()
    answer = await asyncio.wait_for(posting, HANGS)
    took = time.process_time() - start
    assert took < SECONDS, f"{door}: {took:.0f} s"
    assert answer.status_code < 500, f"{door}: {answer.status_code}"
    content = json.read(answer.content)
    if answer.status_code >= 400:
        _is_told_well(content)
    elif door == "Claim/$submit":
        assert content["entry"][0]["resource"]["resourceType"] == "ClaimResponse", "no ClaimResponse first"
        assert not has_errors(check_structure(content)), f"not R4: {check_structure(content)[0].path}"
    return f"{door}: {answer.status_code}"


def _is_told_well(content: dict[str, Any]) -> None:
    assert content["resourceType"] == "OperationOutcome", content["resourceType"]
    assert content["issue"], "no issue"
    for issue in content["issue"]:
        assert {"severity", "code", "diagnostics"} <= issue.keys(), sorted(issue)
    first = content["issue"][0]
    assert first.get("expression") or "line " in first["diagnostics"], f"no place: {first['diagnostics'][:120]}"


@cache
def _messages() -> dict[str, list[bytes]]:
    folder = ROOT / "tests" / "golden" / "pas"
    requests = [*sorted(folder.glob("request*.json")), folder / "update.json"]
    return {
        "request": [one.read_bytes() for one in requests],
        "attachment": [one.read_bytes() for one in sorted(folder.glob("attachment*.json"))],
    }
