-- Retrieved documents and tool calls as rows. Spans that clients sent twice stand twice in
-- span_texts, and once here.
CREATE VIEW documents AS
SELECT DISTINCT project, trace_id, span_id, start_time, position, text, id, score, source
FROM span_texts
ARRAY JOIN arrayEnumerate(documents) AS position, documents AS text,
    arrayResize(document_ids, length(documents)) AS id,
    arrayResize(document_scores, length(documents), CAST(nan, 'Float32')) AS score,
    arrayResize(document_sources, length(documents)) AS source;

CREATE VIEW tool_results AS
SELECT DISTINCT project, trace_id, span_id, start_time, id, result
FROM span_texts ARRAY JOIN tool_result_ids AS id, tool_results AS result;

CREATE VIEW tool_calls AS
SELECT DISTINCT project, trace_id, span_id, start_time, position, name, id, arguments
FROM span_texts
ARRAY JOIN arrayEnumerate(tool_names) AS position, tool_names AS name, tool_ids AS id,
    tool_arguments AS arguments;
