"""OpenTelemetry's own GenAI instrumentation of OpenAI's client, as `opentelemetry-instrument` runs it."""

from openai import OpenAI

from bench.sdks import calls

client = OpenAI(max_retries=0)
calls.chat(client)
calls.embed(client)
calls.errors(client)
