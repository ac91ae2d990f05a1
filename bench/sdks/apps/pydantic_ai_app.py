"""Pydantic AI with Logfire's SDK, sent to Assay instead of to Logfire."""

# setup
import logfire

logfire.configure(send_to_logfire=False, console=False)
logfire.instrument_pydantic_ai()
# end
import asyncio
import contextlib

from pydantic_ai import Agent

from bench.sdks import planted as p


def agent(model: str) -> Agent:
    made = Agent(f"openai-chat:{model}", instructions=p.SYSTEM, name="planted-agent")

    @made.tool_plain(name=p.TOOL)
    def weather(city: str) -> str:
        """Weather of a city."""
        return p.RESULT

    return made


async def streamed() -> None:
    async with agent(p.MODEL).run_stream(p.QUESTION) as run:
        async for _ in run.stream_text():
            pass


assert agent(p.MODEL).run_sync(p.QUESTION).output == p.ANSWER
asyncio.run(streamed())
for model in (p.BROKEN_MODEL, p.LIMITED_MODEL):
    with contextlib.suppress(Exception):
        agent(model).run_sync(p.QUESTION)
logfire.force_flush()
