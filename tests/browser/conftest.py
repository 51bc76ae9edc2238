"""Real Chromium over both companies' real apps and stores; skipped with a message where Chromium is not."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def companies() -> ModuleType:
    if "companies" not in sys.modules:
        file = Path(__file__).resolve().parents[1] / "api" / "companies.py"
        spec = importlib.util.spec_from_file_location("companies", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["companies"] = module
        spec.loader.exec_module(module)
    return sys.modules["companies"]


# Of the module, not of the run: Playwright keeps an event loop in this thread, and asyncio tests want their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed (apt install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield started
        started.close()


@pytest.fixture
def urls(companies: ModuleType, browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Both companies, new for each test."""
    with companies.running(tmp_path) as found:
        yield found


@pytest.fixture
def person(browser: Any, urls: Any) -> Iterator[Any]:
    """A page at a desk. Whatever the console or the content policy complains of fails the test at its end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(f"{said.type}: {said.text}"))
    yield page
    context.close()
    # A page that says no answers 4xx, and the console repeats that.
    assert [one for one in complaints if "status of 4" not in one] == []
