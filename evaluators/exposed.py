"""`/metrics` and `/healthz` of the evaluators, from what their workers saved."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from evaluators.tally import prometheus, saved


def listen(host: str, port: int, folder: Path) -> ThreadingHTTPServer:
    """Serve in a thread until `shutdown`; port 0 takes a free one. Raises OSError where the port
    is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path not in ("/metrics", "/healthz"):
                self.send_error(404)
                return
            body = prometheus(saved(folder)) if path == "/metrics" else "ok\n"
            raw = body.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            """Scrapes are no news."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
