"""The SDKs that are recorded: what is installed, the variables that a user sets, the app that runs.

`{otlp}` in a variable is Assay's address for OTLP/HTTP, 4318.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.sdks import planted as p

RESOURCE = f"service.version={p.VERSION},deployment.environment.name={p.ENVIRONMENT}"
OTLP = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "{otlp}",
    "OTEL_SERVICE_NAME": p.SERVICE,
    "OTEL_RESOURCE_ATTRIBUTES": RESOURCE,
}
EXPORTER = ("opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2")


@dataclass(frozen=True, slots=True)
class Sdk:
    """`name` is the recording's; `app` is a file of apps/; `packages` are pinned, the first is the
    SDK; `environ` is what a user sets; `run` are the words before the app's file; `shown` are
    the packages that a recording names, all where it is empty."""

    name: str
    title: str
    app: str
    packages: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=lambda: dict(OTLP))
    run: tuple[str, ...] = ("python",)
    shown: tuple[str, ...] = ()

    @property
    def environment(self) -> str:
        """The folder of an environment: that of the first SDK with the same packages."""
        return next(s.name for s in SDKS if s.packages == self.packages)


OPENINFERENCE = (
    "openinference-instrumentation-openai==0.1.66",
    "openinference-instrumentation-anthropic==3.1.0",
    "openinference-instrumentation-langchain==0.1.80",
    "openinference-instrumentation-llama-index==4.6.1",
    "openinference-instrumentation-openai-agents==2.6.0", "arize-phoenix-otel==0.17.2",
    "openai==2.54.0", "anthropic==2.12.0", "langchain==1.4.7", "langchain-openai==1.7.3",
    "llama-index-core==0.14.25", "llama-index-llms-openai==0.8.3",
    "llama-index-embeddings-openai==0.7.0", "openai-agents==0.20.0",
)  # fmt: skip


def _openinference(name: str, title: str, app: str, *shown: str, **environ: str) -> Sdk:
    return Sdk(name, title, app, (*OPENINFERENCE, *EXPORTER), {**OTLP, **environ}, shown=shown)


SDKS = (
    _openinference(
        "openinference_openai", "OpenInference, OpenAI", "openinference_openai.py",
        "openinference-instrumentation-openai", "openai",
    ),
    _openinference(
        "openinference_anthropic", "OpenInference, Anthropic", "openinference_anthropic.py",
        "openinference-instrumentation-anthropic", "anthropic",
    ),
    _openinference(
        "openinference_langchain", "OpenInference, LangChain", "openinference_langchain.py",
        "openinference-instrumentation-langchain", "langchain", "langchain-openai",
    ),
    _openinference(
        "openinference_llama_index", "OpenInference, LlamaIndex", "openinference_llama_index.py",
        "openinference-instrumentation-llama-index", "llama-index-core",
    ),
    _openinference(
        "openai_agents", "OpenAI Agents", "openai_agents_app.py",
        "openinference-instrumentation-openai-agents", "openai-agents",
        OPENAI_AGENTS_DISABLE_TRACING="0",
    ),
    _openinference(
        "phoenix_otel", "Phoenix, phoenix.otel.register", "phoenix_otel.py",
        "arize-phoenix-otel", "openinference-instrumentation-openai", "openai",
    ),
    Sdk(
        "otel_openai",
        "OpenTelemetry GenAI, OpenAI",
        "otel_openai.py",
        ("opentelemetry-instrumentation-openai-v2==2.4b0", "openai==2.54.0",
         "opentelemetry-util-genai==0.4b0", "opentelemetry-distro==0.66b2",
         *EXPORTER),
        {**OTLP, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
         "OTEL_METRICS_EXPORTER": "none",
         "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"},
        ("opentelemetry-instrument", "python"),
    ),
    Sdk(
        "otel_genai_openai",
        "OpenTelemetry GenAI, OpenAI, latest conventions",
        "otel_openai.py",
        ("opentelemetry-instrumentation-genai-openai==1.3b0", "openai==3.54.0",
         "opentelemetry-util-genai==1.3b0", "opentelemetry-distro==0.66b2", *EXPORTER),
        {**OTLP, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
         "OTEL_METRICS_EXPORTER": "none",
         "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
         "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_and_event"},
        ("opentelemetry-instrument", "python"),
    ),
    Sdk(
        "vercel_ai",
        "Vercel AI SDK",
        "vercel_ai.mjs",
        ("ai@6.0.326", "@ai-sdk/openai@3.0.141", "zod@4.6.7", "@opentelemetry/api@1.9.1",
         "@opentelemetry/sdk-node@0.223.0", "@opentelemetry/exporter-trace-otlp-proto@0.223.1"),
        run=("node",),
    ),
    Sdk(
        "openllmetry", "OpenLLMetry (Traceloop)", "openllmetry.py",
        ("traceloop-sdk==0.62.4", "openai==3.54.0", "anthropic==2.12.0", "httpx==0.28.1"),
        {"TRACELOOP_BASE_URL": "{otlp}", "TRACELOOP_TELEMETRY": "false",
         "TRACELOOP_METRICS_ENABLED": "false", "TRACELOOP_API_KEY": "assay",
         "OTEL_RESOURCE_ATTRIBUTES": RESOURCE},
    ),
    Sdk(
        "langfuse", "Langfuse", "langfuse_sdk.py", ("langfuse==5.0.4", "openai==3.54.0"),
        {"LANGFUSE_BASE_URL": "{otlp}", "LANGFUSE_PUBLIC_KEY": "planted-service",
         "LANGFUSE_SECRET_KEY": "key", "LANGFUSE_TRACING_ENVIRONMENT": p.ENVIRONMENT,
         "LANGFUSE_RELEASE": p.VERSION, "OTEL_SERVICE_NAME": p.SERVICE},
    ),
    Sdk(
        "pydantic_ai", "Pydantic AI with Logfire", "pydantic_ai_app.py",
        ("pydantic-ai-slim==2.68.0", "logfire==5.2.0", "openai==3.54.0", "anthropic==2.12.0"),
        {**OTLP, "OTEL_METRICS_EXPORTER": "none"},
    ),
)  # fmt: skip
