"""The payer's and the practice's windows, in this process, over real stores."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest

from prior_auth.api.payer import payer_app
from prior_auth.api.payer_desk import Payer
from prior_auth.store.authorizations import SqlAuthorizations
from prior_auth.store.cases import SqlCases
from prior_auth.transports.fhir_pas import FhirPas


def _module(name: str, file: Path) -> ModuleType:
    """A module of the tests; others load it too."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@dataclass(frozen=True, slots=True)
class Window:
    """One company's window: what it answers, and what it keeps."""

    http: httpx2.AsyncClient
    store: Any

    async def fhir(self, path: str, body: bytes, kind: str = "application/fhir+json") -> httpx2.Response:
        return await self.http.post(f"/fhir/{path}", content=body, headers={"Content-Type": kind})


def _client(app: Any) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://window.example")


@pytest.fixture(scope="session")
def companies() -> ModuleType:
    return _module("companies", Path(__file__).with_name("companies.py"))


@pytest.fixture(scope="session")
def mutations() -> ModuleType:
    return _module("mutations", Path(__file__).parents[1] / "fhir_validate" / "mutations.py")


@pytest.fixture(scope="session")
def complete(companies: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A request that the payer's engine certifies at once."""
    return asyncio.run(companies.request_bytes(tmp_path_factory.mktemp("sender"), "breast-her2-adjuvant"))


@pytest.fixture(scope="session")
def incomplete(companies: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A request with a gap: the payer's engine pends it."""
    return asyncio.run(companies.request_bytes(tmp_path_factory.mktemp("sender"), "breast-her2-gap"))


@pytest.fixture
async def payer_desk(companies: ModuleType, tmp_path: Path) -> AsyncIterator[Payer]:
    async with companies.payer(tmp_path, url="http://payer.example") as side:
        yield companies.desk(side, companies.CLINICIAN)


@pytest.fixture
async def payer(payer_desk: Payer) -> AsyncIterator[Window]:
    async with _client(payer_app(payer_desk)) as http:
        assert isinstance(payer_desk.store, SqlAuthorizations)
        yield Window(http, payer_desk.store)


@pytest.fixture
async def nurse(companies: ModuleType, payer_desk: Payer) -> AsyncIterator[Window]:
    """The same payer with a person at the desk who has no licence."""
    async with _client(payer_app(replace(payer_desk, person=companies.NURSE))) as http:
        yield Window(http, payer_desk.store)


@pytest.fixture
async def joined(companies: ModuleType, payer: Window, tmp_path: Path) -> AsyncIterator[Window]:
    """The practice's window, its calls going to the payer's window of this test; nobody has subscribed."""
    side = companies.practice(tmp_path, url="http://practice.example", payer_url="http://window.example/fhir")
    async with side as opened:
        within = replace(opened, transport=FhirPas("http://window.example/fhir", client=payer.http))
        async with _client(companies.app_of_practice(within)) as http:
            yield Window(http, opened.store)


class Asleep:
    """Stories that nobody carries: the workers are away."""

    async def open(self, _: str) -> None: ...

    async def nudge(self, _: str) -> None: ...

    async def deliver(self, _: str, *, anew: bool = False) -> None: ...


@pytest.fixture
def idle_desk(payer_desk: Payer) -> Payer:
    """The payer while no worker runs: everything is answered as pended at once."""
    return replace(payer_desk, stories=Asleep(), answer_within=timedelta(0))


@pytest.fixture
async def idle_payer(payer_desk: Payer, idle_desk: Payer) -> AsyncIterator[Window]:
    async with _client(payer_app(idle_desk)) as http:
        yield Window(http, payer_desk.store)


@pytest.fixture
async def practice(companies: ModuleType, tmp_path: Path) -> AsyncIterator[Window]:
    """The practice's window; its payer is not there."""
    nowhere = "http://127.0.0.1:9/fhir"
    async with (
        companies.practice(tmp_path, url="http://practice.example", payer_url=nowhere) as side,
        _client(companies.app_of_practice(side)) as http,
    ):
        assert isinstance(side.store, SqlCases)
        yield Window(http, side.store)
