ALTER TABLE segments ADD COLUMN IF NOT EXISTS signal LowCardinality(String) DEFAULT 'traces';

CREATE TABLE logs_in
(
    project LowCardinality(String), time DateTime64(9, 'UTC'), log_id String,
    trace_id String, span_id String, severity UInt8, severity_text LowCardinality(String),
    event_name LowCardinality(String), body String,
    service LowCardinality(String), service_version LowCardinality(String),
    environment LowCardinality(String), scope LowCardinality(String),
    attributes Map(LowCardinality(String), String), resource Map(LowCardinality(String), String),
    retention_days UInt16, segment String, ingested_at DateTime64(3, 'UTC')
)
ENGINE = Null;

CREATE TABLE logs
(
    project LowCardinality(String),
    time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)), log_id String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)), span_id String CODEC(ZSTD(1)),
    severity UInt8, severity_text LowCardinality(String),
    event_name LowCardinality(String), body String CODEC(ZSTD(3)),
    service LowCardinality(String), service_version LowCardinality(String),
    environment LowCardinality(String), scope LowCardinality(String),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    retention_days UInt16, ingested_at DateTime64(3, 'UTC'),
    INDEX idx_trace_id trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY (retention_days, toDate(time))
PRIMARY KEY (project, toStartOfFiveMinutes(time))
ORDER BY (project, toStartOfFiveMinutes(time), trace_id, log_id)
TTL toDateTime(time) + toIntervalDay(retention_days) WHERE retention_days > 0
SETTINGS non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW logs_mv TO logs AS
SELECT * EXCEPT (segment) FROM logs_in;

CREATE MATERIALIZED VIEW log_segments_mv TO segments AS
SELECT project, segment, count() AS spans, now64(3) AS stored_at, 'logs' AS signal
FROM logs_in GROUP BY project, segment;

CREATE TABLE metrics_in
(
    project LowCardinality(String), name LowCardinality(String), kind LowCardinality(String),
    unit LowCardinality(String), time DateTime64(9, 'UTC'), start_time DateTime64(9, 'UTC'),
    point_id String, value Float64, count UInt64, sum Float64, min Float64, max Float64,
    bounds Array(Float64), counts Array(UInt64),
    temporality LowCardinality(String), monotonic UInt8,
    service LowCardinality(String), service_version LowCardinality(String),
    environment LowCardinality(String),
    attributes Map(LowCardinality(String), String), resource Map(LowCardinality(String), String),
    retention_days UInt16, segment String, ingested_at DateTime64(3, 'UTC')
)
ENGINE = Null;

CREATE TABLE metrics
(
    project LowCardinality(String), name LowCardinality(String), kind LowCardinality(String),
    unit LowCardinality(String),
    time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    start_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    point_id String CODEC(ZSTD(1)), value Float64 CODEC(ZSTD(1)),
    count UInt64 CODEC(T64, ZSTD(1)), sum Float64 CODEC(ZSTD(1)), min Float64 CODEC(ZSTD(1)),
    max Float64 CODEC(ZSTD(1)), bounds Array(Float64) CODEC(ZSTD(1)),
    counts Array(UInt64) CODEC(ZSTD(1)),
    temporality LowCardinality(String), monotonic UInt8,
    service LowCardinality(String), service_version LowCardinality(String),
    environment LowCardinality(String),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    retention_days UInt16, ingested_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY (retention_days, toDate(time))
PRIMARY KEY (project, name, toStartOfFiveMinutes(time))
ORDER BY (project, name, toStartOfFiveMinutes(time), point_id)
TTL toDateTime(time) + toIntervalDay(retention_days) WHERE retention_days > 0
SETTINGS non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW metrics_mv TO metrics AS
SELECT * EXCEPT (segment) FROM metrics_in;

CREATE MATERIALIZED VIEW metric_segments_mv TO segments AS
SELECT project, segment, count() AS spans, now64(3) AS stored_at, 'metrics' AS signal
FROM metrics_in GROUP BY project, segment;
