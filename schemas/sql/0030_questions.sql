-- What people ask of a change ("which segment explains it?"): a page writes the question, the monitors
-- answer it. A newer row of the same id replaces the older.
CREATE TABLE questions
(
    project LowCardinality(String), question_id String, document String,
    status LowCardinality(String), answer String,
    asked_at DateTime64(3, 'UTC'), updated_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (project, question_id)
TTL toDateTime(asked_at) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000;
