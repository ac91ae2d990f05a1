-- What pages ask of weeks, summed by the hour once an hour is closed (schemas/hours). Each row is made
-- of deduplicated rows, and a newer one of the same key replaces it; the rows of one making are one
-- part, so that a reader sees all or none. `seen`: what was stored later than that is not in it,
-- `until`: when the first of its rows reaches the end of its retention, from when on it is not read.
-- A row with empty names says that the hour was made, and the one of 1970 when the project was last
-- looked at (`made`) and which hour was its first (`seen`).
ALTER TABLE scores ADD COLUMN IF NOT EXISTS stored_at DateTime64(3, 'UTC')
    MATERIALIZED toDateTime64(0, 3, 'UTC');

ALTER TABLE scores MATERIALIZE COLUMN stored_at SETTINGS mutations_sync = 2;

ALTER TABLE scores MODIFY COLUMN stored_at DateTime64(3, 'UTC') MATERIALIZED now64(3);

ALTER TABLE scores ADD INDEX IF NOT EXISTS idx_stored_at stored_at TYPE minmax GRANULARITY 1;

-- `lone`: traces without a session, which are units of their own and need no row each.
CREATE TABLE traffic_hours
(
    project LowCardinality(String), hour DateTime('UTC'),
    made DateTime64(6, 'UTC'), seen DateTime64(3, 'UTC'), until DateTime('UTC'),
    traces UInt64, failed UInt64, roots UInt64, kept Float64, cost Float64, tokens UInt64,
    bins Array(UInt16), counts Array(UInt64),
    lone UInt64, lone_cost Float64, lone_cost2 Float64,
    lone_n Array(UInt64), lone_sum Array(Float64), lone_square Array(Float64),
    units Array(UInt64), unit_traces Array(UInt32), unit_cost Array(Float64),
    unit_firsts Array(UInt32),
    unit_latency Array(Float64), unit_price Array(Float64), unit_errors Array(Float64),
    unit_output_length Array(Float64), unit_input_length Array(Float64),
    unit_output_tokens Array(Float64), unit_first_token Array(Float64)
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
    lone UInt64, lone_w Float64, lone_v Float64, lone_ww Float64, lone_vw Float64, lone_vv Float64,
    lone_good UInt64, lone_bad UInt64, lone_mean Float64, lone_mean2 Float64,
    units Array(UInt64), unit_items Array(UInt32), unit_weight Array(Float64),
    unit_value Array(Float64), unit_good Array(UInt8), unit_bad Array(UInt8)
)
ENGINE = ReplacingMergeTree(made)
PARTITION BY toYYYYMM(hour)
ORDER BY (project, hour, evaluator, evaluator_version, level, status, reason)
TTL until + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 256;

CREATE TABLE model_hours
(
    project LowCardinality(String), hour DateTime('UTC'),
    model LowCardinality(String), provider LowCardinality(String),
    made DateTime64(6, 'UTC'), seen DateTime64(3, 'UTC'), until DateTime('UTC'),
    spans UInt64, characters UInt64, calls UInt64, unpriced UInt64, input_tokens UInt64,
    cache_read_tokens UInt64, output_tokens UInt64, cost_usd Float64, other_usd Float64,
    sources Array(String)
)
ENGINE = ReplacingMergeTree(made)
PARTITION BY toYYYYMM(hour)
ORDER BY (project, hour, model, provider)
TTL until + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 256;
