-- What a cost rests on, and the tokens that prices depend on. The views are changed, never dropped:
-- an INSERT that found a view gone would be acknowledged and fill nothing.
ALTER TABLE spans_in ADD COLUMN IF NOT EXISTS cache_read_tokens UInt32,
    ADD COLUMN IF NOT EXISTS cache_write_tokens UInt32,
    ADD COLUMN IF NOT EXISTS reasoning_tokens UInt32,
    ADD COLUMN IF NOT EXISTS finish_reason LowCardinality(String),
    ADD COLUMN IF NOT EXISTS cost_source LowCardinality(String);

ALTER TABLE spans ADD COLUMN IF NOT EXISTS cache_read_tokens UInt32,
    ADD COLUMN IF NOT EXISTS cache_write_tokens UInt32,
    ADD COLUMN IF NOT EXISTS reasoning_tokens UInt32,
    ADD COLUMN IF NOT EXISTS finish_reason LowCardinality(String),
    ADD COLUMN IF NOT EXISTS cost_source LowCardinality(String);

ALTER TABLE spans_mv MODIFY QUERY
SELECT * EXCEPT (input, output, documents, events, links, segment),
       leftUTF8(input, 200) AS input_preview, leftUTF8(output, 200) AS output_preview,
       toUInt32(lengthUTF8(input)) AS input_length, toUInt32(lengthUTF8(output)) AS output_length,
       now64(3) AS stored_at
FROM spans_in;
