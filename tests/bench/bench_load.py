"""`$submit` to determination under load: 1, 10 and 50 practices' requests at once, beside a bare FastAPI echo.

The payer runs as `prior-auth up` runs it: its own uvicorn process, its own worker, the real Temporal dev server, SMART
tokens. Each request is another authorization, of a story that the engine certifies, and is answered by A1. The echo
parses the same Bundle and writes it out again, under the same uvicorn and from the same caller, so the ratio says what
a determination costs beside the bare transport. Caller, window, worker and Temporal share the machine's cores; on a
busy one the processor time of a determination says more than its latency. Linux only (`/proc`).
"""

from __future__ import annotations

import asyncio
import copy
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "api")]

import companies  # noqa: E402

from prior_auth.demo import ENVIRONMENT  # noqa: E402
from prior_auth.domain.determination import ReviewAction  # noqa: E402
from prior_auth.fhir import json, pas_response  # noqa: E402
from prior_auth.smart.client import Identity, SmartAuth  # noqa: E402
from prior_auth.smart.clients import Client, Registry  # noqa: E402
from prior_auth.smart.keys import new_key, published  # noqa: E402
from prior_auth.supervisor import Supervisor  # noqa: E402

AT_ONCE = (1, 10, 50)
MEASURED = {1: 15, 10: 50, 50: 100}  # requests of a run
WARM_UP = 10
TARGET = 1.0  # seconds, p95 at 50 at once
STORY = "breast-her2-adjuvant"
_ENVIRONMENT = {**ENVIRONMENT, "PRIOR_AUTH_PAYER_ANSWER_WITHIN": "PT2M"}  # each answer is the determination
_HEADERS = {"Content-Type": "application/fhir+json"}

_ECHO = """
import sys
import uvicorn
from fastapi import Body, FastAPI
app = FastAPI()
@app.post("/echo")
async def echo(bundle: dict = Body()) -> dict:
    return bundle
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
"""


def measure() -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = json.read(asyncio.run(companies.request_bytes(folder, STORY)))
        with _echo() as echo_url, Supervisor(folder / "up", extra=_ENVIRONMENT, sides=("payer",)) as services:
            services.start(lambda _: None)
            payer_url, auth = f"{services.urls()['payer']}fhir", _registered(services)
            yield {"name": "load average when the measuring began", "value": round(os.getloadavg()[0], 1), "unit": ""}
            for at_once in AT_ONCE:
                echoed = asyncio.run(_run(f"{echo_url}/echo", bundle, at_once, None, f"echo-{at_once}"))
                before = _processor(services)
                submitted = asyncio.run(_run(f"{payer_url}/Claim/$submit", bundle, at_once, auth, f"submit-{at_once}"))
                yield from _rows(at_once, submitted, echoed)
                number = MEASURED[at_once] + WARM_UP
                for name, seconds in _processor(services).items():
                    named = f"processor time of a determination, {at_once} at once: {name}"
                    yield {"name": named, "value": _ms((seconds - before[name]) / number), "unit": "ms"}


def _rows(at_once: int, submitted: _Run, echoed: _Run) -> Iterator[dict[str, object]]:
    for what, run in (("$submit to determination", submitted), ("bare echo", echoed)):
        named = f"{what}, {at_once} at once"
        goal = {"target": f"under {TARGET:g} s", "met": run.percentile(95) < TARGET}
        yield {"name": f"{named}: p50", "value": _ms(run.percentile(50)), "unit": "ms"}
        is_goal = at_once == AT_ONCE[-1] and run is submitted
        yield {"name": f"{named}: p95", "value": _ms(run.percentile(95)), "unit": "ms", **(goal if is_goal else {})}
        yield {"name": f"{named}: throughput", "value": round(run.throughput, 1), "unit": "requests a second"}
    ratio = echoed.throughput / submitted.throughput
    yield {"name": f"echoes for one determination, {at_once} at once", "value": round(ratio, 1), "unit": "times"}


class _Run:
    """Seconds of each request, and of them all."""

    def __init__(self, took: Sequence[float], whole: float) -> None:
        self._took, self.throughput = sorted(took), len(took) / whole

    def percentile(self, percent: int) -> float:
        return self._took[min(len(self._took) - 1, round(len(self._took) * percent / 100))]


async def _run(url: str, bundle: dict[str, Any], at_once: int, auth: httpx2.Auth | None, name: str) -> _Run:
    """Always `at_once` requests under way; what is answered by anything but a certification is an error here."""
    number = MEASURED[at_once]
    bodies = [json.write(_another(bundle, f"{name}-{one}")) for one in range(WARM_UP + number)]
    limits = httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx2.AsyncClient(auth=auth, timeout=120, limits=limits) as http:
        waiting = bodies[:WARM_UP]
        took: list[float] = []

        async def send() -> None:
            while waiting:
                body = waiting.pop()
                start = time.perf_counter()
                answer = await http.post(url, content=body, headers=_HEADERS)
                took.append(time.perf_counter() - start)
                answers.append(answer)

        answers: list[httpx2.Response] = []
        await asyncio.gather(*(send() for _ in range(at_once)))
        took.clear()
        waiting.extend(bodies[WARM_UP:])
        start = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(at_once)))
        whole = time.perf_counter() - start
    for answer in answers:
        _is_good(answer, echoed=auth is None)
    return _Run(took, whole)


def _is_good(answer: httpx2.Response, *, echoed: bool) -> None:
    if answer.status_code != 200:
        raise RuntimeError(f"answered {answer.status_code}: {answer.text[:300]}")
    if not echoed:
        actions = {one.action for one in pas_response.read(json.read(answer.content)).items}
        if actions != {ReviewAction.CERTIFIED}:
            raise RuntimeError(f"no certification: {sorted(actions)}")


def _another(bundle: dict[str, Any], name: str) -> dict[str, Any]:
    """The same request under identifiers of its own: another authorization."""
    made = copy.deepcopy(bundle)
    made["identifier"]["value"] = name
    made["entry"][0]["resource"]["identifier"][0]["value"] = name
    return made


def _registered(services: Supervisor) -> SmartAuth:
    """A caller that the payer knows, as `prior-auth clients add` makes it known."""
    key, sender = new_key(), ENVIRONMENT["PRIOR_AUTH_PRACTICE_SENDER_CODE"]
    client = Client("bench", "the bench", (sender,), jwks=published(key))
    Registry(services.data / "payer" / "clients.json").add(client)
    identity = Identity("bench", key, "system/Claim.cruds")
    return SmartAuth(f"{services.urls()['payer']}fhir", identity, companies.CLOCK.now)


@contextmanager
def _echo() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    child = subprocess.Popen([sys.executable, "-c", _ECHO, str(port)])
    try:
        url = f"http://127.0.0.1:{port}"
        _answering(url)
        yield url
    finally:
        child.terminate()
        child.wait()


def _answering(url: str) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            httpx2.get(f"{url}/openapi.json", timeout=2)
            return
        except httpx2.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _processor(services: Supervisor) -> dict[str, float]:
    """Seconds of processor time so far, by process; the caller is this one."""
    ticks = os.sysconf("SC_CLK_TCK")
    used = {"caller": time.process_time()}
    for name, pid in services.pids().items():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        used[name] = (int(fields[11]) + int(fields[12])) / ticks
    return used


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
