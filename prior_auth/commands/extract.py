"""`prior-auth extract`: a chart's facts as a table, such as a cancer registry abstracts them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from prior_auth.commands.common import Also, AsOf, ChartArgument, Codes, Rules, chart_of, day_of, write
from prior_auth.evidence.extract import as_csv, rows
from prior_auth.evidence.gather import gather
from prior_auth.rulebook import evidence_definitions, extract_definition


def register(whole: typer.Typer) -> None:
    whole.command()(extract)


def extract(
    bundle: ChartArgument,
    kind: Annotated[str, typer.Option("--kind", metavar="ID", help="Which extract.")] = "cancer-registry",
    as_of: AsOf = None,
    also: Also = None,
    codes: Codes = None,
    as_program: Annotated[bool, typer.Option("--json", help="JSON in place of CSV.")] = False,
    rules: Rules = None,
) -> None:
    """Write a chart's facts as a table (CSV), each with its source; what is not there says why."""
    definitions = evidence_definitions(rules)
    wanted = extract_definition(kind, definitions, folder=rules)
    joined = chart_of(bundle, also, codes)
    known_on = day_of(as_of)
    evidence = joined.with_origins(gather(joined.resources, as_of=known_on, definitions=definitions))
    table = rows(wanted, evidence)
    if as_program:
        write({"extract": wanted.id, "as_of": known_on.isoformat(), "patient": evidence.patient, "rows": table})
    else:
        sys.stdout.buffer.write(as_csv(table).encode())
        sys.stdout.buffer.flush()
