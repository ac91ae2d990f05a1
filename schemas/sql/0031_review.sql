-- Which items people are asked to label, and how they were drawn. A batch says by which rule; an
-- item's `probability` is that of being in the queue by now, over all batches that it could be drawn
-- in. No TTL: ids and numbers only, and a label without its probability corrects nothing.
CREATE TABLE review_batches
(
    project LowCardinality(String), evaluator LowCardinality(String), batch String,
    evaluator_version LowCardinality(String), mode LowCardinality(String),
    rate Float64, centre Float64, width Float64, start_ns Int64, end_ns Int64,
    drawn_by String, drawn_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(drawn_at)
ORDER BY (project, evaluator, batch)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE review_items
(
    project LowCardinality(String), evaluator LowCardinality(String),
    trace_id String, span_id String, session_id String, batch String,
    probability Float64, wanted UInt8, place Float64, drawn_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(drawn_at)
ORDER BY (project, evaluator, trace_id, span_id)
SETTINGS non_replicated_deduplication_window = 10000;
