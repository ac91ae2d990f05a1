-- Canary sets: rows whose scores must not change while an evaluator's version stays the same. A set
-- belongs to the installation, not to a project; the newest set of an evaluator is in force.
CREATE TABLE canary_rows
(
    evaluator LowCardinality(String), set_id String, item String, row String, label Float64,
    put_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(put_at)
ORDER BY (evaluator, set_id, item)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE canary_scores
(
    evaluator LowCardinality(String), evaluator_version LowCardinality(String), set_id String,
    run_id String, item String, status LowCardinality(String), value Float64, reason String,
    judge_model LowCardinality(String), ran_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(ran_at)
ORDER BY (evaluator, evaluator_version, set_id, run_id, item)
SETTINGS non_replicated_deduplication_window = 10000;

-- `verdict`: null (one of the repeats that say how far a judge varies by itself), good, changed,
-- drifted or failed. `shift` and its interval: paired, against the mean of the repeats.
CREATE TABLE canary_runs
(
    evaluator LowCardinality(String), evaluator_version LowCardinality(String), set_id String,
    run_id String, verdict LowCardinality(String), items UInt32, errors UInt32, mean Float64,
    shift Float64, low Float64, high Float64, detectable Float64, models String,
    ran_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(ran_at)
ORDER BY (evaluator, evaluator_version, set_id, run_id)
SETTINGS non_replicated_deduplication_window = 10000;
