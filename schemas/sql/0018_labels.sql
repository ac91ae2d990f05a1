-- What people say of an item: one row per annotator. `chosen` says how the item came to them:
-- 'probability' (drawn with `probability`) or 'convenience'; only the first corrects a mean.
-- No TTL: a label is dear and holds no text of a trace.
CREATE TABLE labels
(
    project LowCardinality(String), evaluator LowCardinality(String),
    trace_id String, span_id String, annotator String,
    value Float64, label String, chosen LowCardinality(String), probability Float64,
    comment String, labelled_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(labelled_at)
ORDER BY (project, evaluator, trace_id, span_id, annotator)
SETTINGS non_replicated_deduplication_window = 10000;

-- What judges cost: summed by day, judge and evaluator version.
CREATE TABLE judge_usage
(
    project LowCardinality(String), day Date, judge LowCardinality(String),
    evaluator LowCardinality(String), evaluator_version LowCardinality(String),
    model LowCardinality(String),
    requests SimpleAggregateFunction(sum, UInt64), retries SimpleAggregateFunction(sum, UInt64),
    failed SimpleAggregateFunction(sum, UInt64), input_tokens SimpleAggregateFunction(sum, UInt64),
    output_tokens SimpleAggregateFunction(sum, UInt64),
    cost_usd SimpleAggregateFunction(sum, Float64), unpriced SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (project, day, judge, evaluator, evaluator_version, model)
SETTINGS non_replicated_deduplication_window = 10000;
