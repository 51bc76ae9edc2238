"""Charts as a person names them: a file, or a patient on a FHIR server; several are joined into one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from prior_auth.charts.bundle_file import OF_PATIENT, BundleFile
from prior_auth.charts.fhir_server import FhirServer
from prior_auth.errors import BadInput
from prior_auth.fhir.chart_join import Chart, Joined, join
from prior_auth.fhir.order_groups import with_group_orders
from prior_auth.smart.client import Identity, SmartAuth

_NAMED = re.compile(r"([A-Za-z][\w .-]{0,40})=(.+)", re.DOTALL)
_PATIENT = re.compile(r"(https?://.+)/Patient/([A-Za-z0-9\-.]{1,64})/?")
_TIMEOUT = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Named:
    """`origin` is how people call the system: as stated, or the file's name, or the server's host."""

    origin: str
    place: str

    @classmethod
    def read(cls, stated: str) -> Named:
        """`lakeside=chart.json`, `https://ehr.example.org/fhir/Patient/17`, `chart.json`. Raises BadInput."""
        named = _NAMED.fullmatch(stated) if not Path(stated).exists() else None
        if named:
            return cls(named[1], named[2])
        if not stated.startswith(("http://", "https://")):
            export = OF_PATIENT.fullmatch(stated) if not Path(stated).exists() else None
            return cls(Path(export["export"] if export else stated).stem, stated)  # an origin is no patient's id
        try:
            return cls(httpx2.URL(stated).host or stated, stated)
        except httpx2.InvalidURL:
            raise BadInput("not a URL", where="chart", fix="write it as https://host/path/Patient/id") from None


def read(stated: Sequence[str], *, identity: Identity | None = None) -> Joined:
    """The charts as one; a single one as it is, without origins. `identity` is for servers that want SMART tokens.

    Raises BadInput, TemporaryTransportError, FatalTransportError.
    """
    charts = asyncio.run(_read([Named.read(one) for one in stated], identity))
    if len(charts) == 1:
        return Joined([dict(one) for one in charts[0].resources], {})
    return join(charts)


async def _read(named: Sequence[Named], identity: Identity | None) -> list[Chart]:
    async with AsyncExitStack() as stack:
        return [Chart(one.origin, await _resources(one.place, identity, stack)) for one in named]


async def _resources(place: str, identity: Identity | None, stack: AsyncExitStack) -> list[dict[str, Any]]:
    if not place.startswith(("http://", "https://")):
        return await BundleFile(Path(place)).resources()
    found = _PATIENT.fullmatch(place)
    if found is None:
        raise BadInput("the address names no patient", where="chart", fix="write it as https://host/path/Patient/id")
    base, patient = found.groups()
    auth = SmartAuth(base, identity, lambda: datetime.now(UTC)) if identity else None
    client = await stack.enter_async_context(httpx2.AsyncClient(timeout=_TIMEOUT, auth=auth))
    return with_group_orders(await FhirServer(base, patient, client=client).resources())
