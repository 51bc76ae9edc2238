"""Fixtures for every test: the reference material beside the checkout, and HL7's validator where Java is."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.nodeid import coerce_node_id

from prior_auth.fhir import json

Validate = Callable[..., list[dict[str, Any]]]

# Servers that take long to start, or much memory: the tests of one go to one worker, which starts it once.
_SERVERS = ("official_errors", "hapi", "sekmet", "ehr")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a group, all to one worker: xdist marks the ids in a way that pytest 9.2 does not see, so it is done here."""
    for item in items:
        needed = [name for name in _SERVERS if name in getattr(item, "fixturenames", ())]
        if needed:
            item.add_marker(pytest.mark.xdist_group("validator" if needed[0] == "official_errors" else "ehr"))
        group = item.get_closest_marker("xdist_group")
        if group is not None and "PYTEST_XDIST_WORKER" in os.environ:
            item._id = coerce_node_id(f"{item.nodeid}@{group.args[0]}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference material, not part of the repository: PRIOR_AUTH_SHARED, else `../shared`."""
    named = os.environ.get("PRIOR_AUTH_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the reference material is not here; PRIOR_AUTH_SHARED can name its folder")
    return folder


@pytest.fixture(scope="session")
def java(shared: Path) -> None:
    if not (shutil.which("java") and shutil.which("mvn")):
        pytest.skip("needs Java 17 and Maven")


@pytest.fixture(scope="session")
def official_errors(shared: Path, java: None) -> Iterator[Validate]:
    """`official_errors(resource, *profiles)` -> the errors of HL7's own validator. Started once for the run.

    `PRIOR_AUTH_VALIDATOR` may name a running one (`http://127.0.0.1:PORT`).
    """
    running = os.environ.get("PRIOR_AUTH_VALIDATOR")
    if running:
        yield lambda resource, *profiles: _errors(running, resource, profiles)
        return
    command = [str(shared / "tools" / "validator" / "validate"), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        try:
            if not line.startswith("listening"):
                pytest.skip("the validator did not start")
            url = line.split()[-1]
            yield lambda resource, *profiles: _errors(url, resource, profiles)
        finally:
            server.terminate()


def _errors(url: str, resource: dict[str, Any], profiles: tuple[str, ...]) -> list[dict[str, Any]]:
    query = "".join(f"&profile={urllib.parse.quote(profile)}" for profile in profiles).replace("&", "?", 1)
    request = urllib.request.Request(
        f"{url}/validate{query}", json.write(resource), {"Content-Type": "application/fhir+json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        found = json.read(b'{"issues":' + answer.read() + b"}")["issues"]
    return [issue for issue in found if issue["severity"] in ("error", "fatal")]
