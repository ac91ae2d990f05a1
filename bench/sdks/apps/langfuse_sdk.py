"""Langfuse's SDK: its decorator, its wrapper of OpenAI's client, a retriever and a tool."""

# setup
from langfuse import get_client, observe, propagate_attributes
from langfuse.openai import OpenAI

langfuse = get_client()
# end
from bench.sdks import calls
from bench.sdks import planted as p


@observe(as_type="retriever")
def find(question: str) -> list[dict[str, object]]:
    return [{"content": p.DOCUMENT, "metadata": {"source": p.SOURCE}}]


@observe(as_type="tool", name=p.TOOL)
def weather(city: str) -> str:
    return p.RESULT


@observe()
def ask(question: str) -> str:
    find(question)
    weather(p.ARGUMENT)
    calls.chat(OpenAI(max_retries=0))
    return p.ANSWER


with propagate_attributes(user_id=p.USER, session_id=p.SESSION, tags=[p.TAG], version=p.VERSION,
                          prompt={"name": p.PROMPT, "version": int(p.PROMPT_VERSION)}):  # fmt: skip
    ask(p.QUESTION)
    calls.embed(OpenAI(max_retries=0))
    calls.errors(OpenAI(max_retries=0))
langfuse.flush()
langfuse.shutdown()
