"""`prior-auth`: the command line. Standard output holds only the answer; progress and errors go to standard error."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from prior_auth.commands import clients, conformance, deadlines, evidence, extract, match_trial, rules, services
from prior_auth.commands.common import (
    Also,
    AsJson,
    AsOf,
    ChartArgument,
    Codes,
    Rules,
    bytes_of,
    chart_of,
    day_of,
    write,
)
from prior_auth.engine import Engine
from prior_auth.errors import PriorAuthError
from prior_auth.evidence.gather import gather
from prior_auth.fhir import json
from prior_auth.fhir.mcode import view_bundle
from prior_auth.fhir.validate import report as validation
from prior_auth.policy.terminal import as_lines, explained_lines
from prior_auth.r4 import folder
from prior_auth.rulebook import Rulebook

BAD_INPUT = 2

app = typer.Typer(
    help="Prior authorization for cancer care: judge, send, follow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _commands() -> None:
    """Prior authorization for cancer care: judge, send, follow."""


@app.command()
def assess(
    bundle: ChartArgument,
    as_of: AsOf = None,
    also: Also = None,
    codes: Codes = None,
    order: Annotated[str | None, typer.Option("--order", metavar="REFERENCE", help="Judge this order only.")] = None,
    payer: Annotated[str | None, typer.Option("--payer", metavar="ID", help="Judge for this payer.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say how each criterion came out so.")] = False,
    as_program: AsJson = False,
    rules: Rules = None,
) -> None:
    """Judge the orders of a chart without sending anything. Exit code 0 whatever is recommended."""
    day = day_of(as_of)
    engine = Engine(Rulebook.load(rules))
    chart = chart_of(bundle, also, codes)
    judgement = engine.judge(
        chart.resources, as_of=day, orders=[order] if order is not None else None, payer=payer, joined=chart
    )
    why = engine.explain(judgement, payer) if explain else ()
    if as_program:
        write(judgement.report | ({"explanations": [one.as_json() for one in why]} if explain else {}))
    else:
        for line in [*as_lines(judgement.assessment), *explained_lines(why)]:
            typer.echo(line)


@app.command()
def view(
    bundle: ChartArgument, as_of: AsOf = None, also: Also = None, codes: Codes = None, rules: Rules = None
) -> None:
    """Write the mCODE view of a chart, the only data that policies see, as a collection Bundle."""
    day = day_of(as_of)
    rulebook = Rulebook.load(rules)
    evidence = gather(chart_of(bundle, also, codes).resources, as_of=day, definitions=rulebook.definitions)
    write(view_bundle(evidence, day))


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A FHIR R4 resource or Bundle, JSON.")],
    profile: Annotated[
        list[str] | None, typer.Option("--profile", metavar="URL", help="Judge by this profile.")
    ] = None,
    packages: Annotated[
        Path | None, typer.Option("--packages", metavar="DIR", help="FHIR packages (*.tgz) beside the shipped ones.")
    ] = None,
    as_program: AsJson = False,
) -> None:
    """Say whether a file is valid FHIR R4 and keeps its profiles. Exit code 1 where it does not."""
    if packages is not None:
        folder.load(packages)
    found = validation(bytes_of(file), name=str(file), profiles=profile or ())
    if as_program:
        write(found.as_json())
    else:
        for line in found.lines() or ["no findings"]:
            typer.echo(line)
    raise typer.Exit(found.exit_code)


for part in (services, evidence, extract, match_trial, clients, deadlines, rules, conformance):
    part.register(app)


def main() -> None:
    """Run a command. A refusal is exit code 2, on standard error: as JSON with `--json`, else in one line."""
    try:
        app()
    except PriorAuthError as problem:
        said = {"error": type(problem).__name__, "message": problem.message, "where": problem.where, "fix": problem.fix}
        line = json.write(said).decode() if "--json" in sys.argv[1:] else f"prior-auth: {problem}"
        print(line, file=sys.stderr)
        sys.exit(BAD_INPUT)
