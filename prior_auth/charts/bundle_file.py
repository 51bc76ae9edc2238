"""A chart in a file: a FHIR Bundle as JSON, or one resource a line as NDJSON."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.fhir import json
from prior_auth.fhir.chart_bundle import chart_resources

_NDJSON = (".ndjson", ".jsonl")


class BundleFile:
    """Reads the file anew each time it is asked."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    async def resources(self) -> list[dict[str, Any]]:
        """Every resource of the chart. Raises BadInput: unreadable, not JSON, not a Bundle, empty."""
        return await asyncio.to_thread(self.read)

    def read(self) -> list[dict[str, Any]]:
        """The same for callers that wait."""
        data = self._bytes()
        if self.path.suffix in _NDJSON:
            return chart_resources(self._collected(data))
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            raise BadInput("XML, not JSON", where=self.path.name, fix="export the chart as FHIR JSON")
        return chart_resources(json.read(data, name=self.path.name))

    def _bytes(self) -> bytes:
        try:
            data = self.path.read_bytes()
        except OSError as problem:
            why = (problem.strerror or "unreadable").lower()
            raise BadInput(
                f"the file cannot be read: {why}", where=str(self.path), fix="name a readable FHIR Bundle"
            ) from problem
        if not data.strip():
            raise BadInput("the file is empty", where=self.path.name, fix="write a FHIR Bundle into it")
        return data

    def _collected(self, data: bytes) -> dict[str, Any]:
        lines = data.decode("utf-8-sig", errors="strict").splitlines() if _is_utf8(data) else None
        if lines is None:
            raise BadInput("not UTF-8", where=self.path.name, fix="send NDJSON in UTF-8")
        entries = [
            {"resource": json.read(line, name=f"{self.path.name} record {number}")}
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ]
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True
