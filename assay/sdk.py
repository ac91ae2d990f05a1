"""The small SDK an application imports: OpenTelemetry only, no sibling package.

Plain OpenTelemetry works as well; this saves the four lines of set-up.
"""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def register(
    project: str = "default", endpoint: str = "http://127.0.0.1:4318", key: str = ""
) -> TracerProvider:
    """Send this process's spans to Assay and make that the global tracer provider.

    `endpoint` is the collector's OTLP/HTTP base address, `key` its ingest key ("" for none).
    """
    headers = {"authorization": f"Bearer {key}"} if key else None
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=headers)
    provider = TracerProvider(
        resource=Resource.create({"openinference.project.name": project, "service.name": project})
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider
