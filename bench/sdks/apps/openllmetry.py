"""OpenLLMetry (Traceloop's SDK): a workflow with a tool over OpenAI's and Anthropic's clients."""

# setup
from traceloop.sdk import Traceloop

Traceloop.init(app_name="planted-service", disable_batch=True)
# end
from anthropic import Anthropic
from openai import OpenAI
from traceloop.sdk.decorators import tool, workflow

from bench.sdks import calls
from bench.sdks import planted as p

Traceloop.set_association_properties({"session_id": p.SESSION, "user_id": p.USER})
Traceloop.set_prompt("{question}", {"question": p.QUESTION}, version=int(p.PROMPT_VERSION))


@tool(name=p.TOOL)
def weather(city: str) -> str:
    return p.RESULT


@workflow(name="planted-workflow")
def ask(question: str) -> str:
    weather(p.ARGUMENT)
    calls.chat(OpenAI(max_retries=0))
    return p.ANSWER


ask(p.QUESTION)
calls.messages(Anthropic(max_retries=0))
calls.embed(OpenAI(max_retries=0))
calls.errors(OpenAI(max_retries=0))
