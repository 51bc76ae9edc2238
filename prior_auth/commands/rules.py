"""`prior-auth rules`: test, lint, coverage and show for people who write rules; and a new policy to fill in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from prior_auth.commands.common import AsJson, Rules, day_of, write
from prior_auth.errors import BadInput, RuleError
from prior_auth.policy.lint import Finding, LintError
from prior_auth.policy.rule import Rule
from prior_auth.rule_tools import shown
from prior_auth.rule_tools.cases import Case, Judged, faults, judged, read_cases
from prior_auth.rule_tools.coverage import coverage
from prior_auth.rule_tools.page import page
from prior_auth.rule_tools.skeleton import write_policy
from prior_auth.rulebook import Rulebook, rules_folder

FOUND_FAULTS = 1

app = typer.Typer(help="Rules: test, lint, coverage, show; write a new policy to fill in.", no_args_is_help=True)

PolicyArgument = Annotated[str | None, typer.Argument(metavar="POLICY", help="A policy's id or topic; else all.")]


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="rules")


@app.command("test")
def run_cases(policy: PolicyArgument = None, as_program: AsJson = False, rules: Rules = None) -> None:
    """Run the cases of tests.yaml through FHIR charts. Exit code 1 where one comes out otherwise than told."""
    rulebook = Rulebook.load(rules)
    found: list[dict[str, Any]] = []
    for rule in _chosen(rulebook, policy):
        cases = read_cases(rule, rules)
        if not as_program:
            typer.echo(f"{rule.policy.id} {rule.policy.title}: {_counted(len(cases), 'case')}")
        for case in cases:
            found.append(_tested(case, rulebook))
            if not as_program:
                _echo_case(case, found[-1]["faults"])
    failed = sum(not one["passed"] for one in found)
    if as_program:
        write({"passed": len(found) - failed, "failed": failed, "cases": found})
    else:
        typer.echo(f"passed {len(found) - failed}, failed {failed}")
    raise typer.Exit(FOUND_FAULTS if failed else 0)


def _tested(case: Case, rulebook: Rulebook) -> dict[str, Any]:
    wrong = list(faults(case, judged(case, rulebook)))
    return {
        "policy": case.policy, "name": case.told["name"], "where": case.where, "passed": not wrong, "faults": wrong,
    }  # fmt: skip


def _echo_case(case: Case, wrong: Sequence[str]) -> None:
    typer.echo(f"  {'FAILED' if wrong else 'ok    '}  {case.told['name']}{f'  ({case.where})' if wrong else ''}")
    for one in wrong:
        typer.echo(f"            {one}")


@app.command()
def lint(as_program: AsJson = False, rules: Rules = None) -> None:
    """Check every rule. Exit code 1 where one is refused; warnings are listed and leave it 0."""
    try:
        findings: list[Finding] = list(Rulebook.load(rules).warnings)
        refused = False
    except LintError as error:
        findings, refused = list(error.findings), True
    except RuleError as error:
        findings, refused = [Finding.of(error)], True
    if as_program:
        write({"findings": [one.as_json() for one in findings]})
    else:
        for one in findings:
            typer.echo(f"{one.where}: {one.severity}: {one.message}{f' ({one.fix})' if one.fix else ''} [{one.rule}]")
        typer.echo(f"{_counted(len(findings), 'finding')}")
    raise typer.Exit(FOUND_FAULTS if refused else 0)


@app.command("coverage")
def covered(policy: PolicyArgument = None, as_program: AsJson = False, rules: Rules = None) -> None:
    """Say which outcomes and which sides of a day the cases have shown. Exit code 1 where something was never seen."""
    rulebook = Rulebook.load(rules)
    told: list[dict[str, Any]] = []
    for rule in _chosen(rulebook, policy):
        runs: list[tuple[Case, Judged]] = [(case, judged(case, rulebook)) for case in read_cases(rule, rules)]
        seen = coverage(rule.policy, _cql(rule, rules), runs)
        told += [
            {"policy": rule.policy.id, "what": one.what, "wanted": one.wanted, "seen": one.seen, "lacking": one.lacking}
            for one in seen
        ]
    gaps = sum(len(one["lacking"]) for one in told)
    if as_program:
        write({"gaps": gaps, "seen": told})
    else:
        for one in told:
            lacking = f"NEVER {', '.join(one['lacking'])}" if one["lacking"] else "all seen"
            typer.echo(f"{one['policy']}  {one['what']:<40} {lacking}")
        typer.echo(f"{_counted(gaps, 'gap')}")
    raise typer.Exit(FOUND_FAULTS if gaps else 0)


@app.command()
def show(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="A policy's id or topic.")],
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day whose values to show; today.")] = None,
    as_program: AsJson = False,
    rules: Rules = None,
) -> None:
    """Print a policy as a clinician reads it."""
    rulebook = Rulebook.load(rules)
    for rule in _chosen(rulebook, policy):
        payer = rulebook.payers.get(rule.policy.payer)
        told = shown.described(rule.policy, _cql(rule, rules), payer, rulebook.definitions, day_of(on, option="--on"))
        if as_program:
            write(told)
        else:
            for line in shown.as_lines(told):
                typer.echo(line)


@app.command("page")
def write_page(rules: Rules = None) -> None:
    """Every policy, its sources and what is unverified, as Markdown: docs/oncology.md."""
    typer.echo(page([one.policy for one in Rulebook.load(rules).every_rule]), nl=False)


@app.command("new")
def new_policy(
    payer: Annotated[str, typer.Argument(metavar="PAYER", help="The payer's folder under rules/payers.")],
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="What the policy is about: a word for its folder.")],
    rules: Rules = None,
) -> None:
    """Write policy.yaml, policy.cql and tests.yaml to fill in; they load, and are not in force."""
    rulebook = Rulebook.load(rules)
    for file in write_policy(rules_folder(rules), payer, topic, rulebook):
        typer.echo(f"wrote {file}")
    typer.echo("fill in what FILL IN marks, then: prior-auth rules lint, rules test, rules coverage")


def _chosen(rulebook: Rulebook, policy: str | None) -> Sequence[Rule]:
    if policy is None:
        return rulebook.every_rule
    found = [one for one in rulebook.every_rule if policy in (one.policy.id, one.policy.topic)]
    if not found:
        known = ", ".join(f"{one.policy.id} ({one.policy.topic})" for one in rulebook.every_rule)
        raise BadInput(f"no policy {policy}", fix=f"one of {known}")
    return found


def _cql(rule: Rule, rules: Path | None) -> str:
    name = Path(rule.policy.file).with_name("policy.cql").as_posix().removeprefix("rules/")
    return (rules_folder(rules) / name).read_text(encoding="utf-8")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
