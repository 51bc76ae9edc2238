"""Every committed PAS resource (`tests/golden/pas`) judged by HL7's own validator; the suite judges some of them.

Needs the reference material beside the checkout (PRIOR_AUTH_SHARED, else `../shared`), Java and Maven.
"""

from __future__ import annotations

import os
import subprocess
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from prior_auth.fhir import json, pas_update

HERE = Path(__file__).resolve().parent
FILES = sorted((HERE.parent / "golden" / "pas").glob("*.json"))
SIZE = len(FILES)
CHUNK = SIZE


def prove(seed: int, first: int, count: int) -> tuple[Counter[str], list[str]]:
    """An error is a failure; the marks that the guide both demands and forbids (`pas_update`) are taken out before."""
    shared = Path(os.environ.get("PRIOR_AUTH_SHARED") or HERE.parents[2] / "shared")
    command = [str(shared / "tools" / "validator" / "validate"), "serve", "--port", "0"]
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        try:
            for file in FILES[first : first + count]:
                resource = json.read(file.read_bytes())
                judged, marks = _without_marks(resource)
                found = _errors(url, judged)
                outcomes["with errors" if found else "0 errors" if not marks else "0 errors but for its marks"] += 1
                failures += [f"{file.name}: {one}" for one in found]
        finally:
            server.terminate()
    return outcomes, failures


def _errors(url: str, resource: dict[str, Any]) -> list[str]:
    body = json.write(resource)
    request = urllib.request.Request(f"{url}/validate", body, {"Content-Type": "application/fhir+json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        found = json.read(b'{"issues":' + answer.read() + b"}")["issues"]
    return [f"{one['location']}: {one['message']}" for one in found if one["severity"] in ("error", "fatal")]


def _without_marks(resource: dict[str, Any]) -> tuple[dict[str, Any], int]:
    first = resource.get("entry", [{}])[0].get("resource", {})
    marks = 0
    for number, entry in enumerate(first.get("supportingInfo", [])):
        for kind in ("extension", "modifierExtension"):
            place = f"Bundle.entry[0].resource.supportingInfo[{number}].{kind}"
            given = entry.get(kind, [])
            kept = [one for at, one in enumerate(given) if not pas_update.is_demanded_mark(resource, f"{place}[{at}]")]
            marks += len(given) - len(kept)
            entry[kind] = kept
            if not kept:
                del entry[kind]
    return resource, marks
