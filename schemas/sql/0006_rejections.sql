CREATE TABLE rejections
(
    project LowCardinality(String), day Date, signal LowCardinality(String), reason String,
    sdk String, sample SimpleAggregateFunction(anyLast, String),
    count SimpleAggregateFunction(sum, UInt64),
    first_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_at SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree PARTITION BY toMonday(day)
ORDER BY (project, day, signal, reason, sdk)
TTL day + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000;
