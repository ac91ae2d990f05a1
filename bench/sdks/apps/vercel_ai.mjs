// Vercel's AI SDK with OpenTelemetry's Node SDK.
// setup
import { NodeSDK } from "@opentelemetry/sdk-node";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { createOpenAI } from "@ai-sdk/openai";
import { embed, generateText, streamText, stepCountIs, tool } from "ai";
import { z } from "zod";

const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter() });
sdk.start();
// end
const p = JSON.parse(process.env.PLANTED);
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });
const telemetry = {
  isEnabled: true,
  functionId: p.PROMPT,
  metadata: { sessionId: p.SESSION, userId: p.USER, tags: [p.TAG], promptVersion: p.PROMPT_VERSION },
};
const tools = {
  [p.TOOL]: tool({
    description: "Weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async () => p.RESULT,
  }),
};
const asked = {
  system: p.SYSTEM, prompt: p.QUESTION, tools, maxRetries: 0, stopWhen: stepCountIs(3),
  experimental_telemetry: telemetry,
};
await generateText({ ...asked, model: openai.chat(p.MODEL) });
const streamed = streamText({ ...asked, model: openai(p.MODEL) });
if ((await streamed.text) !== p.ANSWER) throw new Error("another answer");
await embed({
  model: openai.embedding(p.EMBEDDING_MODEL), value: p.QUESTION, experimental_telemetry: telemetry,
});
for (const model of [p.BROKEN_MODEL, p.LIMITED_MODEL]) {
  await generateText({ ...asked, model: openai.chat(model) }).catch(() => undefined);
}
await sdk.shutdown();
