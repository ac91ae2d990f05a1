-- What was deleted, by keyed hashes: the ids themselves are not kept. `until_ns`: items that began
-- no later are refused. The row of kind 'salt' (no project) holds the key.
CREATE TABLE tombstones
(
    project LowCardinality(String), kind LowCardinality(String), digest String,
    until_ns Int64, deleted_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (project, kind, digest)
SETTINGS non_replicated_deduplication_window = 10000,
         fsync_after_insert = 1, fsync_part_directory = 1;

-- Scores and embeddings live as long as their spans. Their partitions stay months: so that a changed
-- policy can be written into the rows.
ALTER TABLE scores ADD COLUMN IF NOT EXISTS retention_days UInt16 DEFAULT 30;

ALTER TABLE embeddings ADD COLUMN IF NOT EXISTS retention_days UInt16 DEFAULT 30;

ALTER TABLE scores MODIFY TTL
    toDateTime(span_start) + toIntervalDay(retention_days) WHERE retention_days > 0
SETTINGS materialize_ttl_after_modify = 0;

ALTER TABLE embeddings MODIFY TTL
    toDateTime(span_start) + toIntervalDay(retention_days) WHERE retention_days > 0
SETTINGS materialize_ttl_after_modify = 0;
