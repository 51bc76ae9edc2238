"""`prior-auth extract`: a chart's facts as a table, such as a cancer registry abstracts them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from prior_auth.evidence.extract import as_csv, rows
from prior_auth.evidence.gather import gather
from prior_auth.fhir import json
from prior_auth.fhir.chart_join import Joined
from prior_auth.rulebook import evidence_definitions, extract_definition

Read = Callable[[str, "list[str] | None"], Joined]
Day = Callable[["str | None"], date]


def register(whole: typer.Typer, read: Read, day: Day) -> None:
    @whole.command()
    def extract(
        chart: Annotated[str, typer.Argument(metavar="BUNDLE", help="A chart as for `assess`.")],
        kind: Annotated[str, typer.Option("--kind", metavar="ID", help="Which extract.")] = "cancer-registry",
        as_of: Annotated[
            str | None, typer.Option("--as-of", metavar="DATE", help="What was known on this day (YYYY-MM-DD); today.")
        ] = None,
        also: Annotated[
            list[str] | None,
            typer.Option("--also", metavar="[NAME=]BUNDLE", help="The same patient's chart elsewhere; repeatable."),
        ] = None,
        as_program: Annotated[bool, typer.Option("--json", help="JSON in place of CSV.")] = False,
        rules: Annotated[
            Path | None, typer.Option("--rules", envvar="PRIOR_AUTH_RULES", help="A rules folder of your own.")
        ] = None,
    ) -> None:
        """Write a chart's facts as a table (CSV), each with its source; what is not there says why."""
        definitions = evidence_definitions(rules)
        wanted = extract_definition(kind, definitions, folder=rules)
        joined = read(chart, also)
        known_on = day(as_of)
        evidence = joined.with_origins(gather(joined.resources, as_of=known_on, definitions=definitions))
        table = rows(wanted, evidence)
        if as_program:
            whole_table = {
                "extract": wanted.id,
                "as_of": known_on.isoformat(),
                "patient": evidence.patient,
                "rows": table,
            }
            sys.stdout.buffer.write(json.write(whole_table) + b"\n")
        else:
            sys.stdout.buffer.write(as_csv(table).encode())
        sys.stdout.buffer.flush()
