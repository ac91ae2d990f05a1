"""Phoenix's own set-up, `phoenix.otel.register`, pointed at Assay."""

# setup
import os

from phoenix.otel import register

provider = register(
    endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces",
    project_name=os.environ["OTEL_SERVICE_NAME"], auto_instrument=True, batch=True,
)  # fmt: skip
# end
from openai import OpenAI
from openinference.instrumentation import using_attributes

from bench.sdks import calls
from bench.sdks import planted as p

client = OpenAI(max_retries=0)
with using_attributes(session_id=p.SESSION, user_id=p.USER, tags=[p.TAG],
                      prompt_template="{question}", prompt_template_version=p.PROMPT_VERSION):  # fmt: skip
    calls.chat(client)
calls.embed(client)
calls.errors(client)
provider.shutdown()
