"""The one door by which sinks reach the network: addresses are checked, and the address that was
checked is the one that is connected to, so that a name cannot change its mind in between.

Redirects are not followed and proxies of the environment are not used: either would lead to an
address that nobody checked.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import certifi
import httpcore

from monitors.alerts.destination import Answer, Destination

TIMEOUT = 10.0  # seconds for a whole delivery, so that a receiver that trickles holds up nobody
KEPT = 300  # characters of a refusal that are worth keeping
_READ = 64 * 1024  # bytes of an answer that are read at most
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Link-local addresses and these serve credentials to whoever asks: no alert is meant for them.
_METADATA = frozenset({"fd00:ec2::254", "100.100.100.200", "168.63.129.16"})
Resolve = Callable[[str, int], list[str]]


class RefusedError(OSError):
    """An address that an alert may not be sent to."""


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a name, in the resolver's order. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host!r} is not a name of a host") from error
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def _inner(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address that packets reach in the end: IPv4 within IPv6 is unwrapped."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _NAT64:
            return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        return found.ipv4_mapped or found.sixtofour or (found.teredo or (found, found))[1]
    return found


def check(address: str, allow_private: bool) -> None:
    """Raises RefusedError for an address that is not public, or serves credentials of the host."""
    found = _inner(address)
    if found.is_link_local or found.is_multicast or str(found) in _METADATA:
        raise RefusedError(f"{address} is a link-local, multicast or metadata address: never used")
    if not found.is_global and not allow_private:
        raise RefusedError(
            f"{address} is a private address: set ASSAY_ALLOW_PRIVATE_WEBHOOKS=1 to allow it"
        )


def checked(host: str, port: int, allow_private: bool, resolve: Resolve = addresses) -> list[str]:
    """The addresses of a host, all of them allowed. Raises RefusedError, OSError."""
    found = resolve(host, port)
    for address in found:
        check(address, allow_private)
    return found


def tls() -> ssl.SSLContext:
    """Trusts the system's authorities (SSL_CERT_FILE counts) and certifi's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class _Stream(httpcore.NetworkStream):
    """A connection all of whose waits end at one deadline (seconds of the monotonic clock)."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout(f"no whole answer within {TIMEOUT:g} s")
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        inner = self._inner.start_tls(ssl_context, server_hostname, self._left())
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects to checked addresses only; httpcore keeps the name for Host, SNI and certificate."""

    def __init__(self, allow_private: bool, resolve: Resolve, deadline: float) -> None:
        self._allow_private, self._resolve, self._deadline = allow_private, resolve, deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        failed: Exception = OSError(f"{host} has no address")
        for address in checked(host, port, self._allow_private, self._resolve):
            left = self._deadline - time.monotonic()
            if left <= 0:
                break
            try:
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
                continue
            return _Stream(stream, self._deadline)
        raise failed


def retry_after(text: str, now: float) -> float:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3): a number or a date; else 0."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _headers(url: str, headers: Mapping[str, str]) -> Sequence[tuple[bytes, bytes]]:
    parts = urlsplit(url)
    made = {"content-type": "application/json", "user-agent": "assay", **headers}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        made["authorization"] = "Basic " + base64.b64encode(pair).decode()
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in made.items()]


def post(
    destination: Destination, url: str, body: bytes, headers: Mapping[str, str] | None = None,
    resolve: Resolve = addresses, timeout: float = TIMEOUT,
) -> Answer:  # fmt: skip
    """POST a body; never raises. Code 0 where no answer came, a redirect's own code where one
    did: it is a failure like any other."""
    deadline = time.monotonic() + timeout
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return Answer(0, "its url is not an address with http:// or https://")
        backend = _Backend(destination.allow_private, resolve, deadline)
        with (
            httpcore.ConnectionPool(ssl_context=tls(), network_backend=backend) as pool,
            pool.stream(
                "POST", url.encode("ascii"), headers=_headers(url, headers or {}), content=body
            ) as answer,
        ):
            text = b""
            for chunk in answer.iter_stream():
                text += chunk
                if len(text) >= _READ:
                    break
            code, found = answer.status, dict(answer.headers)
    except (OSError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError,
            httpcore.UnsupportedProtocol, ValueError) as error:  # fmt: skip
        return Answer(0, f"{type(error).__name__}: {error}"[:KEPT])
    said = "" if 200 <= code < 300 else text.decode("utf-8", "replace")[:KEPT]
    if 300 <= code < 400:
        said = "it answered with a redirect, which is not followed"
    asked = next((v for k, v in found.items() if k.lower() == b"retry-after"), b"")
    return Answer(code, said, retry_after(asked.decode("latin-1").strip(), time.time()))
