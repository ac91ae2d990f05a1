"""A webhook receiver for the demo: verifies Standard Webhooks signatures and keeps what came."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """An HTTP server on a free loopback port. `bodies` are the verified ones, in order."""

    def __init__(self, secret: str) -> None:
        self.bodies: list[str] = []
        self.refused = 0
        key = base64.b64decode(secret.removeprefix("whsec_"))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                signed = b".".join([
                    self.headers.get("webhook-id", "").encode(),
                    self.headers.get("webhook-timestamp", "").encode(), body,
                ])  # fmt: skip
                digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
                given = self.headers.get("webhook-signature", "").split(" ")
                good = any(hmac.compare_digest(f"v1,{digest}", one) for one in given)
                if good:
                    outer.bodies.append(body.decode())
                else:
                    outer.refused += 1
                self.send_response(204 if good else 401)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet: the demo's own report says what came."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
