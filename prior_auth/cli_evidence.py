"""`prior-auth evidence`: what can be asked of a chart, and what one chart answers, item by item."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from prior_auth.evidence.gather import gather
from prior_auth.evidence.report import answer_lines, answers, catalogue, catalogue_lines, local_codes, local_lines
from prior_auth.fhir import json
from prior_auth.fhir.chart_join import Joined
from prior_auth.rulebook import evidence_definitions

LIST = "list"


Read = Callable[[str, "list[str] | None", "Path | None"], Joined]
Day = Callable[["str | None"], date]


def register(whole: typer.Typer, read: Read, day: Day) -> None:
    """`read` opens a chart, or the charts of several systems as one; `day` reads the day of judgement."""

    @whole.command()
    def evidence(
        chart: Annotated[
            str,
            typer.Argument(metavar="BUNDLE|list", help="A chart as for `assess`; `list` for all that can be asked."),
        ],
        as_of: Annotated[
            str | None, typer.Option("--as-of", metavar="DATE", help="The day of judgement (YYYY-MM-DD); today.")
        ] = None,
        also: Annotated[
            list[str] | None,
            typer.Option(
                "--also", metavar="[NAME=]BUNDLE", help="The same patient's chart elsewhere; may be repeated."
            ),
        ] = None,
        codes: Annotated[
            Path | None,
            typer.Option("--codes", metavar="FILE", envvar="PRIOR_AUTH_CODES", help="A ConceptMap of local codes."),
        ] = None,
        as_program: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
        rules: Annotated[
            Path | None, typer.Option("--rules", envvar="PRIOR_AUTH_RULES", help="A rules folder of your own.")
        ] = None,
    ) -> None:
        """Say what a chart holds of each evidence item, where, by which tier, and what was looked for in vain."""
        definitions = evidence_definitions(rules)
        if chart == LIST:
            items = catalogue(definitions)
            _say({"items": items}, catalogue_lines(items), as_program)
            return
        judged_on = day(as_of)
        joined = read(chart, also, codes)
        found = joined.with_origins(gather(joined.resources, as_of=judged_on, definitions=definitions))
        told, local = answers(found, definitions), local_codes(joined.resources)
        content = {"as_of": judged_on.isoformat(), "patient": found.patient, "items": told, "local_codes": local}
        _say(content, [*answer_lines(told), *local_lines(local)], as_program)


def _say(content: Mapping[str, Any], lines: Iterable[str], as_program: bool) -> None:
    if as_program:
        sys.stdout.buffer.write(json.write(dict(content)) + b"\n")
        sys.stdout.buffer.flush()
        return
    for line in lines:
        typer.echo(line)
