-- GenAI events in logs: when a record came, so that a trace is judged again where its messages come
-- after its spans; and results of evaluations that others made, which become scores.
ALTER TABLE logs ADD COLUMN IF NOT EXISTS stored_at DateTime64(3, 'UTC') DEFAULT now64(3);

ALTER TABLE logs ADD INDEX IF NOT EXISTS idx_stored_at stored_at TYPE minmax GRANULARITY 1;

ALTER TABLE scores ADD COLUMN IF NOT EXISTS source LowCardinality(String) DEFAULT 'assay';

CREATE MATERIALIZED VIEW log_scores_mv TO scores AS
WITH multiIf(event_name != '', event_name, attributes['event.name']) AS event,
     toFloat64OrNull(attributes['gen_ai.evaluation.score.value']) AS number,
     lowerUTF8(attributes['gen_ai.evaluation.score.label']) AS label,
     multiIf(number IS NOT NULL AND isFinite(assumeNotNull(number)), assumeNotNull(number),
             label IN ('pass', 'passed', 'true', 'yes', 'good', 'correct', 'relevant'), 1,
             label IN ('fail', 'failed', 'false', 'no', 'bad', 'incorrect', 'irrelevant'), 0,
             nan) AS found
SELECT project, attributes['gen_ai.evaluation.name'] AS evaluator,
       if(scope != '', scope, service) AS evaluator_version,
       if(span_id = '', 'trace', 'span') AS level, trace_id, span_id,
       attributes['session.id'] AS session_id, time AS span_start,
       if(isNaN(found), 'unscored', 'scored') AS status, found AS value,
       if(isNaN(found), concat('label: ', attributes['gen_ai.evaluation.score.label']), '') AS reason,
       attributes['gen_ai.evaluation.explanation'] AS explanation, toFloat64(1) AS probability,
       attributes['gen_ai.request.model'] AS judge_model, now64(3) AS scored_at,
       retention_days,
       if(attributes['assay.annotator_kind'] != '', lowerUTF8(attributes['assay.annotator_kind']), 'otel')
           AS source
FROM logs_in WHERE event = 'gen_ai.evaluation.result' AND trace_id != ''
    AND attributes['gen_ai.evaluation.name'] != '';
