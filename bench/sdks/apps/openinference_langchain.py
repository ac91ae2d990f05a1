"""OpenInference's instrumentation of LangChain: a retriever, a tool, a chat model, streamed."""

# setup
from openinference.instrumentation import using_attributes
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LangChainInstrumentor().instrument(tracer_provider=provider)
# end
import contextlib

from langchain_core.documents import Document
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from bench.sdks import planted as p


class Fixed(BaseRetriever):
    """Always the same document."""

    def _get_relevant_documents(self, query, *, run_manager):  # type: ignore[no-untyped-def]
        return [Document(page_content=p.DOCUMENT, metadata={"source": p.SOURCE}, id="doc-1")]


@tool(p.TOOL)
def weather(city: str) -> str:
    """Weather of a city."""
    return p.RESULT


with using_attributes(session_id=p.SESSION, user_id=p.USER, tags=[p.TAG],
                      prompt_template="{question}", prompt_template_version=p.PROMPT_VERSION):  # fmt: skip
    Fixed().invoke(p.QUESTION)
    model = ChatOpenAI(model=p.MODEL, max_retries=0, stream_usage=True).bind_tools([weather])
    said = [SystemMessage(p.SYSTEM), HumanMessage(p.QUESTION)]
    answer = model.invoke(said)
    said += [answer, *[weather.invoke(call) for call in answer.tool_calls]]
    assert "".join(str(part.content) for part in model.stream(said)) == p.ANSWER
    with contextlib.suppress(Exception):
        ChatOpenAI(model=p.BROKEN_MODEL, max_retries=0).invoke(said[:2])
provider.shutdown()
