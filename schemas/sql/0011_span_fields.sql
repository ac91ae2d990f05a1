-- What SDKs tell of a call beyond its text: whole messages, tool calls and their results, documents
-- with id, score and source, time to the first token, tags, prompt name, type of error.
ALTER TABLE spans_in
    ADD COLUMN IF NOT EXISTS prompt_name LowCardinality(String),
    ADD COLUMN IF NOT EXISTS tags Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS first_token_ns UInt64,
    ADD COLUMN IF NOT EXISTS error_type LowCardinality(String),
    ADD COLUMN IF NOT EXISTS input_messages String,
    ADD COLUMN IF NOT EXISTS output_messages String,
    ADD COLUMN IF NOT EXISTS document_ids Array(String),
    ADD COLUMN IF NOT EXISTS document_scores Array(Float32),
    ADD COLUMN IF NOT EXISTS document_sources Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS tool_names Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS tool_ids Array(String),
    ADD COLUMN IF NOT EXISTS tool_arguments Array(String),
    ADD COLUMN IF NOT EXISTS tool_result_ids Array(String),
    ADD COLUMN IF NOT EXISTS tool_results Array(String);

ALTER TABLE spans
    ADD COLUMN IF NOT EXISTS prompt_name LowCardinality(String),
    ADD COLUMN IF NOT EXISTS tags Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS first_token_ns UInt64,
    ADD COLUMN IF NOT EXISTS error_type LowCardinality(String),
    ADD COLUMN IF NOT EXISTS tool_names Array(LowCardinality(String));

ALTER TABLE span_texts
    ADD COLUMN IF NOT EXISTS input_messages String,
    ADD COLUMN IF NOT EXISTS output_messages String,
    ADD COLUMN IF NOT EXISTS document_ids Array(String),
    ADD COLUMN IF NOT EXISTS document_scores Array(Float32),
    ADD COLUMN IF NOT EXISTS document_sources Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS tool_names Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS tool_ids Array(String),
    ADD COLUMN IF NOT EXISTS tool_arguments Array(String),
    ADD COLUMN IF NOT EXISTS tool_result_ids Array(String),
    ADD COLUMN IF NOT EXISTS tool_results Array(String);

ALTER TABLE spans_mv MODIFY QUERY
SELECT * EXCEPT (input, output, documents, events, links, segment, input_messages, output_messages,
                 document_ids, document_scores, document_sources, tool_ids, tool_arguments,
                 tool_result_ids, tool_results),
       leftUTF8(input, 200) AS input_preview, leftUTF8(output, 200) AS output_preview,
       toUInt32(lengthUTF8(input)) AS input_length, toUInt32(lengthUTF8(output)) AS output_length,
       now64(3) AS stored_at
FROM spans_in;

ALTER TABLE span_texts_mv MODIFY QUERY
SELECT project, trace_id, span_id, start_time, input, output, documents, events, links,
       retention_days, ingested_at, input_messages, output_messages, document_ids, document_scores,
       document_sources, tool_names, tool_ids, tool_arguments, tool_result_ids, tool_results
FROM spans_in;
