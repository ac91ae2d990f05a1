"""OpenInference's instrumentation of Anthropic's client."""

# setup
from openinference.instrumentation import using_attributes
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
AnthropicInstrumentor().instrument(tracer_provider=provider)
# end
from anthropic import Anthropic

from bench.sdks import calls
from bench.sdks import planted as p

client = Anthropic(max_retries=0)
with using_attributes(
    session_id=p.SESSION, user_id=p.USER, tags=[p.TAG],
    prompt_template="{question}", prompt_template_version=p.PROMPT_VERSION,
    prompt_template_variables={"question": p.QUESTION},
):  # fmt: skip
    calls.messages(client)
provider.shutdown()
