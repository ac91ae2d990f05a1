"""Assay's own traces and metrics, sent to an OTLP endpoint that the user names; off by default.

Code asks `opentelemetry.trace.get_tracer("assay")` and gets one that does nothing until `start`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation

from schemas.settings import Settings, SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider

Counts = Callable[[], Mapping[str, int]]
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})


def start(settings: Settings, process: str, counts: Counts | None = None) -> Callable[[], None]:
    """Send this process's spans, and `counts` as counters; the function that ends it.

    Does nothing without ASSAY_TELEMETRY_ENDPOINT. Raises SettingsError where that is our own
    collector: each export would make the next one.
    """
    endpoint = settings.telemetry_endpoint.rstrip("/")
    if not endpoint:
        return lambda: None
    found = urlsplit(endpoint)
    if found.hostname in {*_LOCAL, settings.host} and found.port in {
        settings.otlp_http_port, settings.otlp_grpc_port,
    }:  # fmt: skip
        raise SettingsError(
            f"ASSAY_TELEMETRY_ENDPOINT={endpoint!r} is this Assay itself: name another OTLP/HTTP"
            " endpoint"
        )
    # Here: they take a tenth of a second of every start, and few ask for them.
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": f"assay-{process}"})
    spans = TracerProvider(resource=resource)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
    trace.set_tracer_provider(spans)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{endpoint}/v1/metrics"))
    meters = MeterProvider([reader], resource)
    metrics.set_meter_provider(meters)
    if counts is not None:
        _observe(meters, counts)

    def end() -> None:
        spans.shutdown()
        meters.shutdown()

    return end


def _observe(meters: MeterProvider, counts: Counts) -> None:
    meter = meters.get_meter("assay")

    def one(name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _options: [Observation(counts().get(name, 0))]

    for name in counts():
        meter.create_observable_counter(f"assay.{name}", [one(name)])
