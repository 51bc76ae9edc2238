"""A practice whose charts bear its own codes: a ConceptMap puts standard ones beside them as a chart comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2

from prior_auth.api.practice import practice_app
from prior_auth.api.practice_desk import Practice
from prior_auth.bootstrap import CLOCK, Intake
from prior_auth.fhir import json
from prior_auth.fhir.local_codes import read_codes

SITE, LOINC = "https://hospital.example.org/lab", "http://loinc.org"
MAP = {
    "resourceType": "ConceptMap",
    "group": [
        {
            "source": SITE,
            "target": LOINC,
            "element": [{"code": "EF", "target": [{"code": "10230-1", "equivalence": "equivalent"}]}],
        }
    ],
}


class Asleep:
    async def open(self, _: str) -> None: ...

    async def nudge(self, _: str) -> None: ...


def with_the_sites_own_code(chart: bytes) -> bytes:
    return chart.replace(b'"system":"http://loinc.org","code":"10230-1"', f'"system":"{SITE}","code":"EF"'.encode())


async def test_a_chart_is_kept_with_the_standard_code_beside_the_sites_own(companies: Any, tmp_path: Path) -> None:
    chart = with_the_sites_own_code(json.write(json.read(companies.chart("breast-her2-adjuvant"))))
    assert SITE.encode() in chart

    async with companies.practice(tmp_path, url="http://practice.example", payer_url="http://127.0.0.1:9/fhir") as side:
        intake = Intake(side.engine).opening
        desk = Practice(side.store, Asleep(), CLOCK, side.settings.person, intake, codes=read_codes(MAP))
        transport = httpx2.ASGITransport(app=practice_app(desk))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
            answer = await http.post("/api/cases", content=chart)
            assert answer.status_code == 202, answer.text
        kept = await side.store.chart(str(answer.json()["id"]))

    codes = [
        {(coding["system"], coding["code"]) for coding in one["code"]["coding"]}
        for one in kept
        if one["resourceType"] == "Observation"
    ]
    assert {(SITE, "EF"), (LOINC, "10230-1")} in codes
