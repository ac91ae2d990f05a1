"""OpenAI Agents SDK, through OpenInference's instrumentation of it."""

# setup
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)
# end
import asyncio
import contextlib

from agents import Agent, Runner, function_tool

from bench.sdks import planted as p


@function_tool(name_override=p.TOOL)
def weather(city: str) -> str:
    """Weather of a city."""
    return p.RESULT


def agent(model: str) -> Agent:
    return Agent(name="planted-agent", instructions=p.SYSTEM, model=model, tools=[weather])


async def streamed() -> None:
    run = Runner.run_streamed(agent(p.MODEL), p.QUESTION)
    async for _ in run.stream_events():
        pass


with using_attributes(session_id=p.SESSION, user_id=p.USER, tags=[p.TAG]):
    assert Runner.run_sync(agent(p.MODEL), p.QUESTION).final_output == p.ANSWER
    asyncio.run(streamed())
    with contextlib.suppress(Exception):
        Runner.run_sync(agent(p.BROKEN_MODEL), p.QUESTION)
provider.shutdown()
