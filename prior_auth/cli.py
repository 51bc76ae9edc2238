"""`prior-auth`: the command line. Standard output holds only the answer; progress and errors go to standard error."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from prior_auth import cli_clients, cli_conformance, cli_deadlines, cli_evidence, cli_extract, cli_rules, running
from prior_auth.charts.bundle_file import BundleFile
from prior_auth.charts.code_map import codes_in
from prior_auth.engine import Engine
from prior_auth.errors import BadInput, PriorAuthError
from prior_auth.evidence.gather import gather
from prior_auth.fhir import json
from prior_auth.fhir.chart_join import Joined
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
    day = _day(as_of)
    engine = Engine(Rulebook.load(rules))
    chart = _chart(bundle, also, codes)
    judgement = engine.judge(
        chart.resources, as_of=day, orders=[order] if order is not None else None, payer=payer, joined=chart
    )
    why = engine.explain(judgement, payer) if explain else ()
    if as_program:
        _write(judgement.report | ({"explanations": [one.as_json() for one in why]} if explain else {}))
    else:
        for line in [*as_lines(judgement.assessment), *explained_lines(why)]:
            typer.echo(line)


@app.command()
def view(
    bundle: ChartArgument, as_of: AsOf = None, also: Also = None, codes: Codes = None, rules: Rules = None
) -> None:
    """Write the mCODE view of a chart, the only data that policies see, as a collection Bundle."""
    day = _day(as_of)
    rulebook = Rulebook.load(rules)
    evidence = gather(_chart(bundle, also, codes).resources, as_of=day, definitions=rulebook.definitions)
    _write(view_bundle(evidence, day))


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
    try:
        data = file.read_bytes()
    except OSError as problem:
        raise BadInput(problem.strerror or "cannot be read", where=str(file), fix="name a file that is there") from None
    found = validation(data, name=str(file), profiles=profile or ())
    if as_program:
        _write(found.as_json())
    else:
        for line in found.lines() or ["no findings"]:
            typer.echo(line)
    raise typer.Exit(found.exit_code)


running.register(app)
app.add_typer(cli_clients.clients, name="clients")
cli_deadlines.register(app)
cli_rules.register(app)
cli_conformance.register(app)


def _chart(first: str, also: list[str] | None, codes: Path | None = None) -> Joined:
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


def _day(stated: str | None) -> date:
    """The day of judgement. Here, and nowhere below, the clock may be asked."""
    if stated is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(stated)
    except ValueError:
        raise BadInput(f"{stated!r} is no day", where="--as-of", fix="write it as 2026-11-25") from None


cli_evidence.register(app, _chart, _day)
cli_extract.register(app, _chart, _day)


def _write(value: Any) -> None:
    sys.stdout.buffer.write(json.write(value) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Run a command. A refusal is exit code 2, on standard error: as JSON with `--json`, else in one line."""
    try:
        app()
    except PriorAuthError as problem:
        said = {"error": type(problem).__name__, "message": problem.message, "where": problem.where, "fix": problem.fix}
        line = json.write(said).decode() if "--json" in sys.argv[1:] else f"prior-auth: {problem}"
        print(line, file=sys.stderr)
        sys.exit(BAD_INPUT)
