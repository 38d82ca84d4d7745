"""A real HTTP server on loopback that serves files as told: whole, broken, late, wrong, elsewhere or not at all."""

import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FaultyServer(ThreadingHTTPServer):
    """Serves `files`; the requests for a path meet the `faults` of that path in turn, and after them none.

    Faults: "break" (half of what was asked for, then the end), "stall" (half, then nothing), "silent" (half, the end,
    and no length that would tell), a status such as "404", "wrong" (other bytes of the same length), "short" and "long"
    (a Content-Length that lies), "busy" (503, try again in 17 seconds), "capped" (a third of the part that was asked
    for, and said so), "other part" (206 with a part that nobody asked for), "no-range" (the whole file, whatever was
    asked), "redirect" (to the file's path under /moved), "loop" (a redirect to itself).
    `pace` is in bytes a second; None is as fast as it goes.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.requests: Counter = Counter()
        self.ranges: list[str | None] = []
        self.pace: float | None = None

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request, client_address):
        """A client that goes away is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    server: FaultyServer

    def do_GET(self):
        server = self.server
        server.requests[self.path] += 1
        server.ranges.append(self.headers.get("Range"))
        waiting = server.faults.get(self.path, [])
        fault = waiting.pop(0) if waiting else ""
        body = server.files.get(self.path.removeprefix("/moved"))
        if fault in ("redirect", "loop"):
            self.send_response(302)
            self.send_header("Location", self.path if fault == "loop" else f"/moved{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            if fault == "loop":
                waiting.insert(0, fault)
            return
        if fault == "busy":
            self.send_response(503)
            self.send_header("Retry-After", "17")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if fault.isdigit() or body is None:
            self.send_error(int(fault or 404), "Not Found" if fault in ("", "404") else "So It Is")
            return
        if fault == "wrong":
            body = bytes(byte ^ 0xFF for byte in body)
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and fault != "no-range" else 0
        if start >= len(body):
            self.send_error(416)
            return
        sent = body[start : start + (len(body) - start) // 3] if fault == "capped" else body[start:]
        partial = start or fault == "other part"
        self.send_response(206 if partial else 200)
        if partial:
            first = start + 5 if fault == "other part" else start
            self.send_header("Content-Range", f"bytes {first}-{start + len(sent) - 1}/{len(body)}")
        claimed = len(sent) + {"short": -10, "long": 10}.get(fault, 0)
        if fault != "silent":
            self.send_header("Content-Length", str(claimed))
        self.end_headers()
        if fault in ("break", "stall", "silent"):
            sent = sent[: len(sent) // 2]
        step = 1 << 14
        for offset in range(0, len(sent), step):
            self.wfile.write(sent[offset : offset + step])
            if server.pace:
                time.sleep(step / server.pace)
        if fault == "stall":
            self.wfile.flush()
            time.sleep(5)
        self.close_connection = True

    def log_message(self, *arguments):
        """Silence."""


@contextmanager
def faulty_server():
    server = FaultyServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
