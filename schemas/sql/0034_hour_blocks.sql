-- Blocks of closed hours (schemas/hours/blocks.py), made of the sums of these hours: what does not add
-- up over hours, since a session may lie in several. A row here says that a block was made, of which
-- makings of its hours (`stamp`); it holds as long as these are the hours' own. The row comes after
-- the sums of the block, which have the same `made`.
CREATE TABLE hour_blocks
(
    project LowCardinality(String), sums LowCardinality(String), seconds UInt32,
    start DateTime('UTC'), made DateTime64(6, 'UTC'), stamp UInt64, until DateTime('UTC')
)
ENGINE = ReplacingMergeTree(made)
PARTITION BY toYYYYMM(start)
ORDER BY (project, sums, seconds, start)
TTL until + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- Over sessions of a block (a trace without one is its own), each with the sums i, w and v of its items,
-- their weights and their values times weight: how many, and the sums of i, w, v, w * w, v * w, v * v,
-- v / w and its square. A day has its sessions, too, for those that are in another one as well.
CREATE TABLE score_blocks
(
    project LowCardinality(String), seconds UInt32, start DateTime('UTC'),
    evaluator LowCardinality(String), evaluator_version LowCardinality(String),
    level LowCardinality(String),
    made DateTime64(6, 'UTC'), until DateTime('UTC'),
    sessions UInt64, items UInt64, w Float64, v Float64, ww Float64, vw Float64, vv Float64,
    good UInt64, bad UInt64, means Float64, squares Float64,
    units Array(UInt64), unit_items Array(UInt32), unit_weight Array(Float64),
    unit_value Array(Float64), unit_good Array(UInt8), unit_bad Array(UInt8)
)
ENGINE = ReplacingMergeTree(made)
PARTITION BY toYYYYMM(start)
ORDER BY (project, seconds, start, evaluator, evaluator_version, level)
TTL until + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 256;
