"""Every committed PAS Bundle in the shape of 2.0.1, judged by HL7's own validator with the package of 2.0.1.

Needs the reference material beside the checkout (PRIOR_AUTH_SHARED, else `../shared`), Java and Maven. Known to be the
guide's own: marks on supportingInfo, and the administration reference in the item, both of which its profiles have at a
place that the published context of the extension leaves out.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from prior_auth.fhir import json, pas_201

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden" / "pas"
FILES = sorted(one for kind in ("request", "update", "response", "inquiry") for one in GOLDEN.glob(f"{kind}*.json"))
SIZE = CHUNK = len(FILES)
GUIDE = "hl7.fhir.us.davinci-pas#2.0.1"
_ITS_OWN = ("extension-infoChanged", "modifierextension-infoCancelled", "extension-administrationReferenceNumber")


def prove(seed: int, first: int, count: int) -> tuple[Counter[str], list[str]]:
    shared = Path(os.environ.get("PRIOR_AUTH_SHARED") or HERE.parents[2] / "shared")
    validator, files = str(shared / "tools" / "validator" / "validate"), FILES[first : first + count]
    with tempfile.TemporaryDirectory() as folder:
        written = [_written(one, Path(folder)) for one in files]
        options = ["--ig", GUIDE, "--ig", "hl7.fhir.us.mcode", "--level", "error", "--json"]
        run = subprocess.run([validator, *map(str, written), *options], capture_output=True, check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError(run.stderr.decode()[-500:])
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for issue in json.read(b'{"issues":' + run.stdout + b"}")["issues"]:
        found[Path(issue["file"]).name].append(issue)
    outcomes = Counter(_outcome(found[one.name]) for one in files)
    wrong = [(name, one) for name, ones in found.items() for one in ones if not _is_known(one)]
    failures = [f"{name}: {one['location']}: {one['message']}" for name, one in wrong]
    return outcomes, failures


def _written(file: Path, folder: Path) -> Path:
    resource = json.read(file.read_bytes())
    is_answer = resource["resourceType"] == "Parameters"
    at = "2026-06-01T10:05:00+00:00"
    shaped = pas_201.inquiry_answer(resource, at=at) if is_answer else pas_201.shaped(resource)
    (folder / file.name).write_bytes(json.write(shaped))
    return folder / file.name


def _is_known(issue: dict[str, Any]) -> bool:
    is_context = issue["messageId"] == "Extension_EXTP_Context_Wrong"
    return is_context and any(one in issue["message"] for one in _ITS_OWN)


def _outcome(issues: list[dict[str, Any]]) -> str:
    if any(not _is_known(one) for one in issues):
        return "with errors"
    return "0 errors but for the guide's own" if issues else "0 errors"
