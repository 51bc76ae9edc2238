"""A site's map of its own codes, from a file."""

from __future__ import annotations

from pathlib import Path

from prior_auth.errors import BadInput
from prior_auth.fhir import json
from prior_auth.fhir.local_codes import LocalCodes, read_codes


def codes_in(file: Path) -> LocalCodes:
    """A FHIR R4 ConceptMap as JSON. Raises BadInput for what cannot be read or is none."""
    try:
        data = file.read_bytes()
    except OSError as problem:
        why = (problem.strerror or "unreadable").lower()
        raise BadInput(f"the map of codes cannot be read: {why}", where=str(file), fix="name a ConceptMap") from problem
    try:
        return read_codes(json.read(data, name=file.name))
    except BadInput as problem:
        raise BadInput(problem.message, where=f"{file.name}: {problem.where}", fix=problem.fix) from None
