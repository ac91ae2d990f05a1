-- Data sets picked from traces. Contents are copied, so that retention takes nothing out of them; a
-- version is never changed. Items are written first, under the name of a draft; the version's row
-- makes them one. A deleted trace, session or user goes out of every version.
CREATE TABLE dataset_versions
(
    project LowCardinality(String), dataset String, number UInt32, draft String, items UInt32,
    note String, author String, created_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (project, dataset, number)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE dataset_items
(
    project LowCardinality(String), dataset String, draft String, item String,
    trace_id String, session_id String, input String CODEC(ZSTD(3)), output String CODEC(ZSTD(3)),
    documents Array(String) CODEC(ZSTD(3)), metadata Map(LowCardinality(String), String)
)
ENGINE = ReplacingMergeTree
ORDER BY (project, dataset, draft, item)
SETTINGS non_replicated_deduplication_window = 10000;
