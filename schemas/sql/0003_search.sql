-- span_payloads becomes span_texts: words are searchable, and the engine is a plain MergeTree, which
-- merges text indexes where ReplacingMergeTree builds them anew (10 against 46 us of processor a
-- span). Spans that clients sent twice stay twice in it; readers take one row per span. The first
-- statement does something only when this file was cut off before its end and is applied again.
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
ENGINE = MergeTree
PARTITION BY (retention_days, toDate(start_time))
PRIMARY KEY (project, toStartOfFiveMinutes(start_time), trace_id)
ORDER BY (project, toStartOfFiveMinutes(start_time), trace_id, span_id)
TTL toDateTime(start_time) + toIntervalDay(retention_days) WHERE retention_days > 0
SETTINGS index_granularity_bytes = '64Mi';

CREATE TABLE span_texts
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)), span_id String CODEC(ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    input String CODEC(ZSTD(3)), output String CODEC(ZSTD(3)),
    documents Array(String) CODEC(ZSTD(3)),
    events String CODEC(ZSTD(3)), links String CODEC(ZSTD(3)),
    retention_days UInt16, ingested_at DateTime64(3, 'UTC'),
    INDEX words_input input
        TYPE text(tokenizer = 'unicodeWord', preprocessor = lowerUTF8(input)),
    INDEX words_output output
        TYPE text(tokenizer = 'unicodeWord', preprocessor = lowerUTF8(output)),
    INDEX words_documents documents
        TYPE text(tokenizer = 'unicodeWord', preprocessor = lowerUTF8(documents))
)
ENGINE = MergeTree
PARTITION BY (retention_days, toDate(start_time))
PRIMARY KEY (project, toStartOfFiveMinutes(start_time), trace_id)
ORDER BY (project, toStartOfFiveMinutes(start_time), trace_id, span_id)
TTL toDateTime(start_time) + toIntervalDay(retention_days) WHERE retention_days > 0
SETTINGS non_replicated_deduplication_window = 10000, index_granularity_bytes = '64Mi',
         min_bytes_for_wide_part = '64Mi',
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW span_texts_mv TO span_texts AS
SELECT project, trace_id, span_id, start_time, input, output, documents, events, links,
       retention_days, ingested_at
FROM spans_in;

DROP VIEW IF EXISTS span_payloads_mv;

ALTER TABLE span_texts ATTACH PARTITION ALL FROM span_payloads;

ALTER TABLE span_texts MATERIALIZE INDEX words_input, MATERIALIZE INDEX words_output,
    MATERIALIZE INDEX words_documents SETTINGS mutations_sync = 0;

DROP TABLE span_payloads;

-- When each trace ran, by its id: spans and texts are ordered by time and cannot be found by an id.
CREATE TABLE trace_times
(
    project LowCardinality(String), trace_id String CODEC(ZSTD(1)), retention_days UInt16,
    first SimpleAggregateFunction(min, DateTime64(9, 'UTC')) CODEC(Delta(8), ZSTD(1)),
    last SimpleAggregateFunction(max, DateTime64(9, 'UTC')) CODEC(Delta(8), ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY (retention_days, toMonday(first))
ORDER BY (project, trace_id)
TTL toDateTime(last) + toIntervalDay(retention_days) WHERE retention_days > 0
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 512,
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW trace_times_mv TO trace_times AS
SELECT project, trace_id, retention_days, min(start_time) AS first, max(start_time) AS last
FROM spans_in GROUP BY project, trace_id, retention_days;

INSERT INTO trace_times
SELECT project, trace_id, retention_days, min(start_time) AS first, max(start_time) AS last
FROM spans GROUP BY project, trace_id, retention_days;
