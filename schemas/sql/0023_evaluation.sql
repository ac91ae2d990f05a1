-- What a client's own sampler left: the probability with which the span's trace was kept (ot=th of
-- tracestate), 1 where it says nothing. The view's asterisk takes the new column along.
ALTER TABLE spans ADD COLUMN IF NOT EXISTS sampling_probability Float64 DEFAULT 1;

ALTER TABLE spans_in ADD COLUMN IF NOT EXISTS sampling_probability Float64 DEFAULT 1;

-- Of a score: the rule that asked for it, and of an error that may pass how often it was tried and
-- when it is tried again (1970 for never). The index leaves out all that waits for nothing.
ALTER TABLE scores ADD COLUMN IF NOT EXISTS rule LowCardinality(String),
    ADD COLUMN IF NOT EXISTS attempts UInt16 DEFAULT 1,
    ADD COLUMN IF NOT EXISTS retry_at DateTime64(3, 'UTC');

ALTER TABLE scores ADD INDEX IF NOT EXISTS idx_retry_at retry_at TYPE minmax GRANULARITY 1;
