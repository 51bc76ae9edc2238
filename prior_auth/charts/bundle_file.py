"""A chart in a file: a FHIR Bundle as JSON, one resource a line as NDJSON, or a bulk export: a folder of these.

`EXPORT/Patient/<id>` is one patient's chart of an export of many.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.fhir import json
from prior_auth.fhir.bulk import of_patient
from prior_auth.fhir.chart_bundle import chart_resources

OF_PATIENT = re.compile(r"(?P<export>.+)/Patient/(?P<id>[A-Za-z0-9\-.]{1,64})/?")
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
        named = OF_PATIENT.fullmatch(self.path.as_posix())
        if named is not None and not self.path.exists():
            return of_patient(BundleFile(named["export"]).read(), named["id"])
        if self.path.is_dir():
            return self._export()
        data = self._bytes()
        if self.path.suffix in _NDJSON:
            return chart_resources(self._collected(data))
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            raise BadInput("XML, not JSON", where=self.path.name, fix="export the chart as FHIR JSON")
        return chart_resources(json.read(data, name=self.path.name))

    def _export(self) -> list[dict[str, Any]]:
        """All files of a bulk export, in the order of their names."""
        files = sorted(each for each in self.path.iterdir() if each.suffix in _NDJSON)
        if not files:
            raise BadInput(
                "the folder cannot be read as an export: it holds no NDJSON",
                where=str(self.path),
                fix="name a FHIR Bundle, or a folder of *.ndjson files",
            )
        parts = [BundleFile(each) for each in files]
        entries = [entry for part in parts if (data := part.path.read_bytes()).strip() for entry in part._entries(data)]
        return chart_resources({"resourceType": "Bundle", "type": "collection", "entry": entries})

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
        return {"resourceType": "Bundle", "type": "collection", "entry": self._entries(data)}

    def _entries(self, data: bytes) -> list[dict[str, Any]]:
        lines = data.decode("utf-8-sig", errors="strict").splitlines() if _is_utf8(data) else None
        if lines is None:
            raise BadInput("not UTF-8", where=self.path.name, fix="send NDJSON in UTF-8")
        return [
            {"resource": json.read(line, name=f"{self.path.name} record {number}")}
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True
