"""OpenInference's instrumentation of OpenAI's client."""

# setup
from openai import OpenAI
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIInstrumentor().instrument(tracer_provider=provider)
# end
from bench.sdks import calls
from bench.sdks import planted as p

client = OpenAI(max_retries=0)
with using_attributes(
    session_id=p.SESSION, user_id=p.USER, tags=[p.TAG], metadata={"prompt_name": p.PROMPT},
    prompt_template="{question}", prompt_template_version=p.PROMPT_VERSION,
    prompt_template_variables={"question": p.QUESTION},
):  # fmt: skip
    calls.chat(client)
calls.embed(client)
calls.errors(client)
provider.shutdown()
