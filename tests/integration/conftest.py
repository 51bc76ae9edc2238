"""Real FHIR servers as the EHR, one of each for the whole run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

SEKMET = "sekmet-fhir==0.1.1"
_ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = """\
base_url: {base}
host: 127.0.0.1
port: {port}
data_dir: {folder}
simulator: {{enabled: false}}
validation: {{inbound: "off"}}
log_inbound: false
"""


@pytest.fixture(scope="session")
def sekmet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a FHIR server from PyPI, in an environment of its own (`.venv-ehr`)."""
    program = _sekmet_program()
    folder = tmp_path_factory.mktemp("sekmet")
    port = _free_port()
    base = f"http://127.0.0.1:{port}/fhir"  # its own links follow this setting, not the request
    settings = folder / "settings.yaml"
    settings.write_text(_SETTINGS.format(base=base, port=port, folder=folder))
    log = (folder / "log").open("w")
    with (
        log,
        subprocess.Popen(
            [program, "serve", "--config", str(settings), "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as server,
    ):
        try:
            _wait_for(f"{base}/metadata", server)
            yield base
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def hapi(shared: Path, java: None) -> Iterator[str]:
    """The base URL of HAPI FHIR. `PRIOR_AUTH_HAPI` may name a running one."""
    running = os.environ.get("PRIOR_AUTH_HAPI")
    if running:
        yield running
        return
    command = [str(shared / "tools" / "hapi" / "serve"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        try:
            if not line.startswith("listening"):
                pytest.skip("HAPI FHIR did not start")
            yield line.split()[-1]
        finally:
            server.terminate()


@pytest.fixture(params=["sekmet", "hapi"])
def ehr(request: pytest.FixtureRequest) -> str:
    base: str = request.getfixturevalue(request.param)
    return base


def _sekmet_program() -> str:
    folder = _ROOT / ".venv-ehr"
    program = folder / "bin" / "sekmet"
    if not program.exists():
        try:
            _make_environment(folder)
        except (OSError, subprocess.SubprocessError) as problem:
            shutil.rmtree(folder, ignore_errors=True)
            pytest.skip(f"no environment for {SEKMET}: {type(problem).__name__}")
    return str(program)


def _make_environment(folder: Path) -> None:
    python = folder / "bin" / "python"
    if uv := shutil.which("uv"):
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True, timeout=120)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), SEKMET], check=True, timeout=300)
        return
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", SEKMET], check=True, timeout=300)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if server.poll() is not None:
            pytest.fail("the FHIR server ended before it was ready")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail("the FHIR server was not ready within 30 s")
