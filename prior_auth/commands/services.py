"""The commands that run both companies' services, and those that talk to them.

Frameworks are imported by the commands that need them: `assess` starts in half the time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from prior_auth.commands.common import AsJson, bytes_of, write
from prior_auth.errors import BadInput, FatalTransportError, TemporaryTransportError
from prior_auth.fhir import json
from prior_auth.supervisor import Supervisor

PRACTICE, PAYER = "practice", "payer"
_LOOK_EVERY = 0.5

DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where everything is kept.")]
PracticeUrl = Annotated[
    str, typer.Option("--practice", envvar="PRIOR_AUTH_PRACTICE_WINDOW", metavar="URL", help="The practice's window.")
]


def register(app: typer.Typer) -> None:
    commands: Sequence[Callable[..., None]] = (
        up,
        demo,
        submit,
        status,
        timeline,
        inquire,
        cancel,
        change,
        renew,
        audit_stores,
    )
    for command in commands:
        app.command()(command)
    for hidden in (serve, work):
        app.command(hidden=True)(hidden)


def serve(side: str) -> None:
    """Serve one side's window until asked to end."""
    _log()
    asyncio.run(_serve(side))


def work(side: str) -> None:
    """Carry one side's stories until asked to end."""
    _log()
    asyncio.run(_work(side))
    # The SDK's own threads can abort an interpreter that ends by itself (sdk-python issue 300).
    sys.stdout.flush()
    os._exit(0)


async def _serve(side: str) -> None:
    import uvicorn

    from prior_auth.settings import Temporal, read

    temporal = read(Temporal)
    async with _opened(side) as parts:
        where = parts.settings
        config = uvicorn.Config(
            parts.app(temporal),
            host=where.host,
            port=where.port,
            log_level="warning",
            access_log=False,
            ssl_certfile=where.tls_certificate,
            ssl_keyfile=where.tls_key,
        )
        await uvicorn.Server(config).serve()


async def _work(side: str) -> None:
    from prior_auth.bootstrap import payer_side, practice_side
    from prior_auth.settings import Temporal, read
    from workflows.worker import work_for_payer, work_for_practice

    temporal = read(Temporal)
    if side == PRACTICE:
        async with practice_side() as practice:
            await work_for_practice(practice, temporal)
    else:
        async with payer_side() as payer:
            await work_for_payer(payer, temporal)


def _opened(side: str) -> Any:
    from prior_auth.bootstrap import payer_side, practice_side

    if side not in (PRACTICE, PAYER):
        raise BadInput(f"no side called {side}", where="SIDE", fix="use practice or payer")
    return practice_side() if side == PRACTICE else payer_side()


def up(data: DataOption = Path("data/up")) -> None:
    """Run Temporal, the practice and the payer on loopback until stopped; what was under way goes on."""
    with Supervisor(data, extra=_defaults()) as services:
        services.start(_say)
        for name, url in services.urls().items():
            _say(f"{name}: {url}")
        _say(json.write({"pids": services.pids(), "urls": services.urls()}).decode())
        _say("Stop with Ctrl-C. The same command goes on from here, whatever ended it.")
        _until_stopped(services)


def demo(
    data: DataOption = Path("data/demo"),
    leave: Annotated[bool, typer.Option("--exit", help="End when the stories are told.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last run instead of starting clean.")
    ] = False,
    as_program: AsJson = False,
) -> None:
    """Carry four synthetic patients' requests through, both companies on this machine, with a live timeline."""
    from prior_auth.demo import carry_all

    if not resume:
        _clean(data)
    with Supervisor(data, extra=_defaults()) as services:
        services.start(_say)
        day = _day_of(data)
        stories = carry_all(services.urls()["practice"], services.urls()["payer"], day=day, say=_say)
        failed = [story["id"] for story in stories if not story.pop("as_told")]
        if as_program:
            write({"stories": stories})
        _say("\nWhere to look:")
        for name, url in services.urls().items():
            _say(f"  {name:<10} {url}")
        _say(f"  files      {services.data}")
        if not leave:
            _say("Stop with Ctrl-C.")
            _until_stopped(services)
    if failed:
        _say(f"Ended otherwise than told: {', '.join(failed)}")
        raise typer.Exit(1)


def submit(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A chart with its order and Coverage, JSON.")],
    order: Annotated[
        list[str] | None, typer.Option("--order", metavar="REFERENCE", help="Several times for a regimen.")
    ] = None,
    payer: Annotated[str | None, typer.Option("--payer", metavar="ID")] = None,
    practice: PracticeUrl = "http://127.0.0.1:8701",
    as_program: AsJson = False,
) -> None:
    """Open a request at the practice's window; it is judged, sent and followed from there."""
    body = bytes_of(bundle)
    asked = {name: value for name, value in (("order", order), ("payer", payer)) if value}
    case = _ask("POST", f"{practice.rstrip('/')}/api/cases", content=body, params=asked)
    _show(case, as_program, lambda: f"case {case['id']}: {case['status']}")


def status(
    case_id: Annotated[str | None, typer.Argument(metavar="[CASE]", help="One case; all without it.")] = None,
    practice: PracticeUrl = "http://127.0.0.1:8701",
    as_program: AsJson = False,
) -> None:
    """Where a request stands, or all of them."""
    base = f"{practice.rstrip('/')}/api/cases"
    if case_id is None:
        found = _ask("GET", base)
        _show(found, as_program, lambda: "\n".join(_line(case) for case in found["cases"]) or "no requests yet")
    else:
        case = _ask("GET", f"{base}/{case_id}")
        _show(case, as_program, lambda: _line(case))


def timeline(
    case_id: Annotated[str, typer.Argument(metavar="CASE")],
    practice: PracticeUrl = "http://127.0.0.1:8701",
    as_program: AsJson = False,
) -> None:
    """What happened to a request, who did it and when."""
    case = _ask("GET", f"{practice.rstrip('/')}/api/cases/{case_id}")
    entries = case["timeline"]
    _show(
        {"case": case_id, "timeline": entries},
        as_program,
        lambda: "\n".join(f"{one['at'][:19]}  {one['what']:<22} {one['by']}" for one in entries),
    )


def inquire(
    case_id: Annotated[str, typer.Argument(metavar="CASE")],
    practice: PracticeUrl = "http://127.0.0.1:8701",
    as_program: AsJson = False,
) -> None:
    """Ask the payer what became of a request: for people and for gaps, its notifications bring the rest."""
    asked = _ask("POST", f"{practice.rstrip('/')}/api/cases/{case_id}/inquiry")
    _show(asked, as_program, lambda: f"case {case_id}: the payer is asked")


def cancel(
    case_id: Annotated[str, typer.Argument(metavar="CASE")],
    order: Annotated[
        list[str] | None, typer.Option("--order", metavar="REFERENCE", help="Only this order; all without it.")
    ] = None,
    practice: PracticeUrl = "http://127.0.0.1:8701",
    as_program: AsJson = False,
) -> None:
    """Cancel a request, or some of its orders: the payer is told by an update."""
    _change(practice, case_id, {"cancel": order or True}, as_program)


def change(
    case_id: Annotated[str, typer.Argument(metavar="CASE")],
    order: Annotated[
        list[Path] | None,
        typer.Option("--order", metavar="FILE", help="An order, JSON: revised under the id it has, or new."),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", metavar="REFERENCE", help="Evidence not to be used any more.")
    ] = None,
    practice: PracticeUrl = "http://127.0.0.1:8701",
    as_program: AsJson = False,
) -> None:
    """Change a request: revise or add orders, drop evidence; the payer gets a whole new version."""
    orders = [json.read(bytes_of(one), name=str(one)) for one in order or ()]
    _change(practice, case_id, {"orders": orders, "drop": drop or []}, as_program)


def renew(
    case_id: Annotated[str, typer.Argument(metavar="CASE")],
    chart: Annotated[
        Path | None, typer.Option("--chart", metavar="BUNDLE", help="The chart as it is now; else as it was kept.")
    ] = None,
    order: Annotated[list[str] | None, typer.Option("--order", metavar="REFERENCE")] = None,
    practice: PracticeUrl = "http://127.0.0.1:8701",
    as_program: AsJson = False,
) -> None:
    """Ask for what comes after an authorization, before it ends."""
    url = f"{practice.rstrip('/')}/api/cases/{case_id}/renewal"
    case = _ask("POST", url, content=bytes_of(chart) if chart else b"", params={"order": order or []})
    _show(case, as_program, lambda: f"case {case['id']}: {case['status']}")


def _change(practice: str, case_id: str, stated: dict[str, Any], as_program: bool) -> None:
    case = _ask("POST", f"{practice.rstrip('/')}/api/cases/{case_id}/changes", content=json.write(stated))
    _show(case, as_program, lambda: f"case {case['id']}: the change is under way")


def audit_stores(data: DataOption = Path("data/up"), as_program: AsJson = False) -> None:
    """Compare both companies' stores: nothing lost, nothing sent twice, no orphan. Exit code 1 where they differ."""
    from prior_auth.bootstrap import compared

    found = asyncio.run(compared(data))
    faults = [f"{one.kind}  {one.where}  {one.what}" for one in found.findings]
    under_way = [f"on its way: {one.kind}  {one.where}  {one.what}" for one in found.on_the_way]
    counted = (
        f"{found.cases} cases, {found.requests} sent, {found.answers} answers, {found.notifications} notifications"
    )
    _show(
        {"ok": found.ok, **asdict(found)},
        as_program,
        lambda: "\n".join([*faults, *under_way, f"{counted}: {'both stores agree' if found.ok else 'they differ'}"]),
    )
    raise typer.Exit(0 if found.ok else 1)


def _defaults() -> dict[str, str]:
    """Who the companies are: the demo's, where the environment does not say otherwise."""
    from prior_auth.demo import ENVIRONMENT

    return {name: value for name, value in ENVIRONMENT.items() if name not in os.environ}


def _clean(data: Path) -> None:
    """Only a folder of ours is emptied: one that a supervisor has marked."""
    if data.exists() and any(data.iterdir()):
        if not (data / "up.lock").exists():
            raise BadInput("this folder is not one of ours", where=str(data), fix="name an empty or a new folder")
        with Supervisor(data):  # refuses while somebody runs it
            pass
        shutil.rmtree(data)


def _day_of(data: Path) -> Any:
    """The day the stories are told for: of the first run, so that a resumed one finds the same cases."""
    mark = data / "day"
    if not mark.exists():
        mark.write_text(datetime.now(UTC).date().isoformat())
    return datetime.fromisoformat(mark.read_text()).date()


def _until_stopped(services: Supervisor) -> None:
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    while not stopped:
        services.watch()
        time.sleep(_LOOK_EVERY)


def _ask(method: str, url: str, **more: Any) -> dict[str, Any]:
    import httpx2

    try:
        answer = httpx2.request(method, url, timeout=60, **more)
    except httpx2.TransportError:
        raise TemporaryTransportError("nothing answers", where=url, fix="start it: prior-auth up") from None
    if answer.status_code >= 400:
        error = json.read(answer.content).get("error", {})
        raise FatalTransportError(
            error.get("message", "refused"), where=error.get("where") or url, fix=error.get("fix")
        )
    return json.read(answer.content)


def _show(value: Any, as_program: bool, words: Callable[[], str]) -> None:
    if as_program:
        write(value)
    else:
        typer.echo(words())


def _line(case: dict[str, Any]) -> str:
    waits = f"  waits for {case['waiting_for']}" if case["waiting_for"] else ""
    return f"{case['id']}  {case['service']:<12} {case['status']:<22}{waits}"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # its lines hold addresses
