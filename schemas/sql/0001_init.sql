CREATE TABLE spans_in
(
    project LowCardinality(String), trace_id String, span_id String, parent_span_id String,
    session_id String, user_id String, start_time DateTime64(9, 'UTC'), duration_ns UInt64,
    name LowCardinality(String), kind LowCardinality(String), service LowCardinality(String),
    service_version LowCardinality(String), environment LowCardinality(String),
    provider LowCardinality(String), model LowCardinality(String),
    prompt_version LowCardinality(String), document_source LowCardinality(String),
    status LowCardinality(String), status_message String,
    input_tokens UInt32, output_tokens UInt32, cost_usd Float64,
    convention LowCardinality(String),
    attributes Map(LowCardinality(String), String), resource Map(LowCardinality(String), String),
    input String, output String, documents Array(String), events String, links String,
    retention_days UInt16, segment String, ingested_at DateTime64(3, 'UTC')
)
ENGINE = Null;

CREATE TABLE spans
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)), span_id String CODEC(ZSTD(1)),
    parent_span_id String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(3)), user_id String CODEC(ZSTD(3)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)), duration_ns UInt64 CODEC(T64, ZSTD(1)),
    name LowCardinality(String), kind LowCardinality(String), service LowCardinality(String),
    service_version LowCardinality(String), environment LowCardinality(String),
    provider LowCardinality(String), model LowCardinality(String),
    prompt_version LowCardinality(String), document_source LowCardinality(String),
    status LowCardinality(String), status_message String CODEC(ZSTD(3)),
    input_tokens UInt32, output_tokens UInt32, cost_usd Float64,
    convention LowCardinality(String),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    input_preview String CODEC(ZSTD(3)), output_preview String CODEC(ZSTD(3)),
    input_length UInt32, output_length UInt32,
    retention_days UInt16, ingested_at DateTime64(3, 'UTC'), stored_at DateTime64(3, 'UTC'),
    INDEX idx_trace_id trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_stored_at stored_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY (retention_days, toDate(start_time))
PRIMARY KEY (project, toStartOfFiveMinutes(start_time))
ORDER BY (project, toStartOfFiveMinutes(start_time), trace_id, span_id)
TTL toDateTime(start_time) + toIntervalDay(retention_days) WHERE retention_days > 0
SETTINGS non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE span_payloads
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)), span_id String CODEC(ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    input String CODEC(ZSTD(3)), output String CODEC(ZSTD(3)),
    documents Array(String) CODEC(ZSTD(3)),
    events String CODEC(ZSTD(3)), links String CODEC(ZSTD(3)),
    retention_days UInt16, ingested_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY (retention_days, toDate(start_time))
PRIMARY KEY (project, toStartOfFiveMinutes(start_time), trace_id)
ORDER BY (project, toStartOfFiveMinutes(start_time), trace_id, span_id)
TTL toDateTime(start_time) + toIntervalDay(retention_days) WHERE retention_days > 0
SETTINGS non_replicated_deduplication_window = 10000, index_granularity_bytes = '64Mi',
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE segments
(
    project LowCardinality(String), segment String, spans UInt64, stored_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY (project, segment)
SETTINGS non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE scores
(
    project LowCardinality(String), evaluator LowCardinality(String),
    evaluator_version LowCardinality(String), level LowCardinality(String),
    trace_id String, span_id String, session_id String,
    span_start DateTime64(9, 'UTC'), status LowCardinality(String), value Float64,
    reason String, explanation String, probability Float64, judge_model LowCardinality(String),
    scored_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(scored_at)
PARTITION BY toYYYYMM(span_start)
ORDER BY (project, evaluator, toDate(span_start), trace_id, span_id, evaluator_version)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE embeddings
(
    project LowCardinality(String), field LowCardinality(String), model LowCardinality(String),
    trace_id String, span_id String, span_start DateTime64(9, 'UTC'),
    vector Array(Float32), created_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(created_at)
PARTITION BY toYYYYMM(span_start)
ORDER BY (project, field, model, toStartOfHour(span_start), trace_id, span_id);

CREATE TABLE findings
(
    project LowCardinality(String), finding_id String, signal LowCardinality(String),
    detector LowCardinality(String), segment String,
    status LowCardinality(String), onset DateTime64(3, 'UTC'),
    window_start DateTime64(3, 'UTC'), window_end DateTime64(3, 'UTC'),
    n_reference UInt32, n_current UInt32, mean_reference Float64, mean_current Float64,
    effect Float64, effect_low Float64, effect_high Float64, p_value Float64,
    share_explained Float64, details String, found_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(found_at)
ORDER BY (project, finding_id);

CREATE TABLE deliveries
(
    project LowCardinality(String), delivery_id String, finding_id String, rule LowCardinality(String),
    sink LowCardinality(String), target String, status LowCardinality(String), attempts UInt16,
    response_code UInt16, error String, body String, next_attempt_at DateTime64(3, 'UTC'),
    updated_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (project, delivery_id);

CREATE TABLE control
(
    kind LowCardinality(String), name String, version UInt64, owner LowCardinality(String),
    author String, document String, deleted UInt8, changed_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (kind, name, version);

CREATE MATERIALIZED VIEW spans_mv TO spans AS
SELECT * EXCEPT (input, output, documents, events, links, segment),
       leftUTF8(input, 200) AS input_preview, leftUTF8(output, 200) AS output_preview,
       toUInt32(lengthUTF8(input)) AS input_length, toUInt32(lengthUTF8(output)) AS output_length,
       now64(3) AS stored_at
FROM spans_in;

CREATE MATERIALIZED VIEW span_payloads_mv TO span_payloads AS
SELECT project, trace_id, span_id, start_time, input, output, documents, events, links,
       retention_days, ingested_at
FROM spans_in;

CREATE MATERIALIZED VIEW segments_mv TO segments AS
SELECT project, segment, count() AS spans, now64(3) AS stored_at
FROM spans_in GROUP BY project, segment;
