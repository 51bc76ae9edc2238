"""What several commands share: options, charts as a person names them, days, files, and how an answer is written."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from prior_auth.charts.bundle_file import BundleFile
from prior_auth.charts.code_map import codes_in
from prior_auth.errors import BadInput
from prior_auth.fhir import json
from prior_auth.fhir.chart_join import Joined

ChartArgument = Annotated[
    str,
    typer.Argument(metavar="BUNDLE", help="A FHIR R4 Bundle (JSON, NDJSON), or https://server/path/Patient/id."),
]
Also = Annotated[
    list[str] | None,
    typer.Option("--also", metavar="[NAME=]BUNDLE", help="The same patient's chart elsewhere; may be repeated."),
]
Codes = Annotated[
    Path | None,
    typer.Option("--codes", metavar="FILE", envvar="PRIOR_AUTH_CODES", help="A ConceptMap of the site's own codes."),
]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="The day of judgement (YYYY-MM-DD); today.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
Rules = Annotated[Path | None, typer.Option("--rules", envvar="PRIOR_AUTH_RULES", help="A rules folder of your own.")]


def chart_of(first: str, also: list[str] | None, codes: Path | None) -> Joined:
    """The chart, or the charts of several systems as one, with standard codes beside the local ones of a map."""
    found = _read(first, also)
    return replace(found, resources=codes_in(codes).added_to(found.resources)) if codes is not None else found


def _read(first: str, also: list[str] | None) -> Joined:
    """What calls servers is imported where it is needed."""
    if not also and not first.startswith(("http://", "https://")):
        return Joined(BundleFile(first).read(), {})
    from prior_auth.charts import named
    from prior_auth.settings import Charts, read
    from prior_auth.smart.client import Identity
    from prior_auth.smart.keys import load_or_create

    found = read(Charts)
    identity = None
    if found.client_id:
        identity = Identity(found.client_id, load_or_create(found.signing_key), found.scope)
    return named.read([first, *(also or [])], identity=identity)


def day_of(stated: str | None, *, option: str = "--as-of") -> date:
    """The day that is stated, else today. Here, and nowhere below, the clock may be asked."""
    if stated is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(stated)
    except ValueError:
        raise BadInput(f"{stated!r} is no day", where=option, fix="write it as 2026-11-25") from None


def bytes_of(file: Path) -> bytes:
    """Raises BadInput where the file cannot be read."""
    try:
        return file.read_bytes()
    except OSError as problem:
        raise BadInput(problem.strerror or "cannot be read", where=str(file), fix="name a file that is there") from None


def write(value: Any) -> None:
    """The answer for a program, on standard output."""
    sys.stdout.buffer.write(json.write(value) + b"\n")
    sys.stdout.buffer.flush()
