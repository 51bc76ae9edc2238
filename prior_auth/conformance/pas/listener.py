"""A small HTTP server on loopback: where notifications arrive, or where a client under test calls its payer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_LONGEST = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    kind: str = "application/fhir+json"


@dataclass(slots=True)
class Listener:
    """`url` is where it listens. Calls are kept in the order of their arrival."""

    url: str
    calls: list[Call] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def keep(self, call: Call) -> None:
        with self._news:
            self.calls.append(call)
            self._news.notify_all()

    def wait(self, wanted: Callable[[Call], bool], *, seconds: float, after: int = 0) -> Call | None:
        """The first call from number `after` on that is wanted; None where none comes in time."""
        until = time.monotonic() + seconds
        with self._news:
            while True:
                found = next((one for one in self.calls[after:] if wanted(one)), None)
                left = until - time.monotonic()
                if found is not None or left <= 0:
                    return found
                self._news.wait(left)


@contextmanager
def listening(
    answer: Callable[[Call], Answer], *, host: str = "127.0.0.1", port: int = 0, public: str | None = None
) -> Iterator[Listener]:
    """Serve until the block ends; `answer` is called in a thread of its own for each call, before the call is kept.

    `public` is how others reach this server where that is not its own address.
    """
    holder: list[Listener] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            size = min(int(self.headers.get("content-length") or 0), _LONGEST)
            named = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, self.path, named, self.rfile.read(size), time.monotonic())
            said = answer(call)
            holder[0].keep(call)
            self.send_response(said.status)
            self.send_header("Content-Type", said.kind)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what came is in the report."""

    with ThreadingHTTPServer((host, port), Handler) as server:
        server.daemon_threads = True
        holder.append(Listener(public or f"http://{host}:{server.server_address[1]}"))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield holder[0]
        finally:
            server.shutdown()
            thread.join(timeout=5)
