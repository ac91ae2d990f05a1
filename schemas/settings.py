"""One frozen settings object, read once from the environment by `__main__`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the message names it and says what to do."""


def _integer(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environ.get(name, "") or str(default)
    if not text.isdigit() or not low <= int(text) <= high:
        raise SettingsError(f"{name}={text!r} must be a whole number from {low} to {high}")
    return int(text)


def _number(
    environ: Mapping[str, str], name: str, default: float, low: float, high: float
) -> float:  # fmt: skip
    text = environ.get(name, "") or str(default)
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not low <= found <= high:
        raise SettingsError(f"{name}={text!r} must be a number from {low:g} to {high:g}")
    return found


def _file(environ: Mapping[str, str], name: str) -> str:
    path = environ.get(name, "")
    if path and not os.access(path, os.R_OK):
        raise SettingsError(f"{name}={path!r} cannot be read")
    return path


def _address(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name, "").rstrip("/")
    if text and not text.startswith(("http://", "https://")):
        raise SettingsError(f"{name}={text!r} must be an address with http:// or https://")
    return text


@dataclass(frozen=True, slots=True)
class Oidc:
    """A provider of OpenID Connect. `name_claim` says who somebody is; `role_claim`, where it is
    named, gives roles to those who are no users of ours."""

    issuer: str
    client: str
    secret: str
    scope: str
    name_claim: str
    role_claim: str


def _oidc(env: Mapping[str, str]) -> Oidc | None:
    issuer = _address(env, "ASSAY_OIDC_ISSUER")
    if not issuer:
        return None
    if not env.get("ASSAY_OIDC_CLIENT_ID"):
        raise SettingsError("ASSAY_OIDC_CLIENT_ID must be set where ASSAY_OIDC_ISSUER is")
    return Oidc(
        issuer, env["ASSAY_OIDC_CLIENT_ID"], env.get("ASSAY_OIDC_CLIENT_SECRET", ""),
        env.get("ASSAY_OIDC_SCOPE") or "openid email profile",
        env.get("ASSAY_OIDC_NAME_CLAIM") or "email", env.get("ASSAY_OIDC_ROLE_CLAIM", ""),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Where data lies, which ports are used, and how long the workers wait (seconds)."""

    home: Path
    clickhouse_url: str
    clickhouse_cluster: str
    otlp_grpc_port: int
    otlp_http_port: int
    store_port: int
    ui_port: int
    host: str
    log_level: str
    quiet_seconds: int
    poll_seconds: int
    webhook_url: str
    webhook_secret: str
    allow_private_webhooks: bool
    ui_url: str
    ui_open: bool
    config: Path
    ingest_key: str
    workers: int
    evaluator_workers: int
    evaluators_port: int
    ray_address: str
    ray_gpus: float
    keep_seconds: int
    keep_mib: int
    cors_origins: tuple[str, ...]
    tls_cert: str
    tls_key: str
    telemetry_endpoint: str
    collector_url: str
    oidc: Oidc | None

    @property
    def loopback(self) -> bool:
        """True where only this machine can reach collector and explorer."""
        return self.host in {"127.0.0.1", "::1", "localhost"}

    @property
    def embedded(self) -> bool:
        """True where no CLICKHOUSE_URL is set, so that `assay store` serves the data."""
        return not self.clickhouse_url

    @property
    def explorer(self) -> str:
        """Where people open the explorer, without a slash at the end."""
        return self.ui_url or f"http://127.0.0.1:{self.ui_port}"

    @property
    def collector(self) -> str:
        """Where the collector answers over HTTP, without a slash at the end."""
        scheme = "https" if self.tls_cert else "http"
        return self.collector_url or f"{scheme}://127.0.0.1:{self.otlp_http_port}"

    @property
    def password_file(self) -> Path:
        return self.home / "store.password"

    @property
    def users_file(self) -> Path:
        return self.home / "store.users"

    @property
    def ui_secret_file(self) -> Path:
        """What signs the explorer's cookies."""
        return self.home / "ui.secret"

    @property
    def ui_ended_file(self) -> Path:
        """Logins that were ended by logging out."""
        return self.home / "ui.ended"

    @property
    def spool(self) -> Path:
        return self.home / "spool"


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises SettingsError with the variable's name on a bad value."""
    env = os.environ if environ is None else environ
    home = Path(env.get("ASSAY_HOME") or ".assay").absolute()
    level = (env.get("ASSAY_LOG_LEVEL") or "INFO").upper()
    if level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise SettingsError(f"ASSAY_LOG_LEVEL={level!r} must be DEBUG, INFO, WARNING or ERROR")
    return Settings(
        home=home,
        clickhouse_url=env.get("CLICKHOUSE_URL", ""),
        clickhouse_cluster=env.get("CLICKHOUSE_CLUSTER", ""),
        otlp_grpc_port=_integer(env, "ASSAY_OTLP_GRPC_PORT", 4317, 1, 65535),
        otlp_http_port=_integer(env, "ASSAY_OTLP_HTTP_PORT", 4318, 1, 65535),
        store_port=_integer(env, "ASSAY_STORE_PORT", 8123, 1, 65535),
        ui_port=_integer(env, "ASSAY_UI_PORT", 8501, 1, 65535),
        host=env.get("ASSAY_HOST") or "127.0.0.1",
        log_level=level,
        quiet_seconds=_integer(env, "ASSAY_QUIET_SECONDS", 5, 0, 86400),
        poll_seconds=_integer(env, "ASSAY_POLL_SECONDS", 2, 1, 3600),
        webhook_url=env.get("ASSAY_WEBHOOK_URL", ""),
        webhook_secret=env.get("ASSAY_WEBHOOK_SECRET", ""),
        allow_private_webhooks=env.get("ASSAY_ALLOW_PRIVATE_WEBHOOKS", "") == "1",
        ui_url=_address(env, "ASSAY_UI_URL"),
        ui_open=env.get("ASSAY_UI_OPEN", "") == "1",
        config=Path(env.get("ASSAY_CONFIG") or "assay.yaml").absolute(),
        ingest_key=env.get("ASSAY_INGEST_KEY", ""),
        workers=_integer(env, "ASSAY_COLLECTOR_WORKERS", 1, 1, 64),
        evaluator_workers=_integer(env, "ASSAY_EVALUATOR_WORKERS", 1, 1, 64),
        evaluators_port=_integer(env, "ASSAY_EVALUATORS_PORT", 0, 0, 65535),
        ray_address=env.get("ASSAY_RAY_ADDRESS", ""),
        ray_gpus=_number(env, "ASSAY_RAY_GPUS", 0.0, 0.0, 64.0),
        keep_seconds=_integer(env, "ASSAY_KEEP_SECONDS", 600, 0, 86400),
        keep_mib=_integer(env, "ASSAY_KEEP_MIB", 2048, 0, 2**20),
        cors_origins=tuple(o for o in env.get("ASSAY_CORS_ORIGINS", "").split(",") if o),
        tls_cert=_file(env, "ASSAY_TLS_CERT"),
        tls_key=_file(env, "ASSAY_TLS_KEY"),
        telemetry_endpoint=env.get("ASSAY_TELEMETRY_ENDPOINT", ""),
        collector_url=_address(env, "ASSAY_COLLECTOR_URL"),
        oidc=_oidc(env),
    )
