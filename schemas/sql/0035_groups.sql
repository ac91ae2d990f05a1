-- Sums of closed hours by groups of sessions (schemas/hours/groups.py), which add up over hours as those
-- of single sessions do not: so no blocks of hours are needed. What was summed is made again from the
-- rows, which answer until then.
DROP TABLE IF EXISTS score_blocks SYNC;

DROP TABLE IF EXISTS hour_blocks SYNC;

DROP TABLE IF EXISTS traffic_hours SYNC;

DROP TABLE IF EXISTS score_hours SYNC;

-- `sessions` counts them (a trace without one is its own); arrays have a place for each group.
CREATE TABLE traffic_hours
(
    project LowCardinality(String), hour DateTime('UTC'),
    made DateTime64(6, 'UTC'), seen DateTime64(3, 'UTC'), until DateTime('UTC'),
    traces UInt64, failed UInt64, roots UInt64, kept Float64, cost Float64, tokens UInt64,
    bins Array(UInt16), counts Array(UInt64),
    sessions AggregateFunction(uniqCombined(14), UInt64),
    group_traces Array(Float64), group_cost Array(Float64), group_firsts Array(Float64),
    group_latency Array(Float64), group_price Array(Float64), group_errors Array(Float64),
    group_output_length Array(Float64), group_input_length Array(Float64),
    group_output_tokens Array(Float64), group_first_token Array(Float64)
)
ENGINE = ReplacingMergeTree(made)
PARTITION BY toYYYYMM(hour)
ORDER BY (project, hour)
TTL until + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 256;

CREATE TABLE score_hours
(
    project LowCardinality(String), hour DateTime('UTC'),
    evaluator LowCardinality(String), evaluator_version LowCardinality(String),
    level LowCardinality(String), status LowCardinality(String), reason String,
    made DateTime64(6, 'UTC'), seen DateTime64(3, 'UTC'), until DateTime('UTC'),
    items UInt64, weight Float64, waiting UInt64, example String,
    reached DateTime64(9, 'UTC'), scored DateTime64(3, 'UTC'), rules Array(String),
    total Float64, square Float64, lowest Float64,
    sessions AggregateFunction(uniqCombined(14), UInt64),
    group_weight Array(Float64), group_value Array(Float64),
    group_good Array(UInt8), group_bad Array(UInt8)
)
ENGINE = ReplacingMergeTree(made)
PARTITION BY toYYYYMM(hour)
ORDER BY (project, hour, evaluator, evaluator_version, level, status, reason)
TTL until + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 256;
