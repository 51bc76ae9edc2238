"""Every committed PAS resource (`tests/golden/pas`) judged by HL7's own validator; the suite judges some of them.

Needs the reference material beside the checkout (PRIOR_AUTH_SHARED, else `../shared`), Java and Maven.
"""

from __future__ import annotations

import os
import subprocess
import urllib.request
from collections import Counter
from pathlib import Path

from prior_auth.fhir import json, pas_update

HERE = Path(__file__).resolve().parent
FILES = sorted((HERE.parent / "golden" / "pas").glob("*.json"))
SIZE = len(FILES)
CHUNK = SIZE


def prove(seed: int, first: int, count: int) -> tuple[Counter[str], list[str]]:
    """An error is a failure, but for the mark that the guide both demands and forbids (`pas_update`)."""
    shared = Path(os.environ.get("PRIOR_AUTH_SHARED") or HERE.parents[2] / "shared")
    command = [str(shared / "tools" / "validator" / "validate"), "serve", "--port", "0"]
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        try:
            for file in FILES[first : first + count]:
                found = _errors(url, file)
                outcomes["with a finding" if found else "without a finding"] += 1
                failures += [f"{file.name}: {one}" for one in found]
        finally:
            server.terminate()
    return outcomes, failures


def _errors(url: str, file: Path) -> list[str]:
    body = file.read_bytes()
    request = urllib.request.Request(f"{url}/validate", body, {"Content-Type": "application/fhir+json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        found = json.read(b'{"issues":' + answer.read() + b"}")["issues"]
    errors = [one for one in found if one["severity"] in ("error", "fatal")]
    resource = json.read(body)
    return [f"{one['location']}: {one['message']}" for one in errors if not _demanded(resource, one["location"])]


def _demanded(resource: dict[str, object], location: str) -> bool:
    path = location.split("/*")[0].split(".ofType")[0]
    return resource.get("resourceType") == "Bundle" and pas_update.is_demanded_mark(resource, path)
