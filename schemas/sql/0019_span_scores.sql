-- Annotations and evaluations that came as OpenInference attributes of a span become scores: of that
-- span, of its trace or session by their prefix, or of what the one link of an EVALUATOR span names.
CREATE MATERIALIZED VIEW span_scores_mv TO scores AS
WITH substring(named, 1, length(named) - 4) AS prefix,
     toFloat64OrNull(attributes[concat(prefix, 'score')]) AS number,
     attributes[concat(prefix, 'label')] AS label,
     attributes[concat(prefix, 'annotator_kind')] AS kind_of,
     attributes[concat(prefix, 'identifier')] AS identifier,
     multiIf(number IS NOT NULL AND isFinite(assumeNotNull(number)), assumeNotNull(number),
             lowerUTF8(label) IN ('pass', 'passed', 'true', 'yes', 'good', 'correct', 'relevant'), 1,
             lowerUTF8(label) IN ('fail', 'failed', 'false', 'no', 'bad', 'incorrect', 'irrelevant'), 0,
             nan) AS found,
     multiIf(startsWith(named, 'trace.'), 'trace', startsWith(named, 'session.'), 'session', 'span') AS about,
     kind = 'EVALUATOR' AND JSONLength(links) = 1 AS carried
SELECT project, attributes[named] AS evaluator,
       multiIf(identifier != '', identifier, kind_of != '', lowerUTF8(kind_of), service) AS evaluator_version,
       about AS level,
       if(carried, JSONExtractString(links, 1, 'trace_id'), spans_in.trace_id) AS trace_id,
       multiIf(about != 'span', '', carried, JSONExtractString(links, 1, 'span_id'), spans_in.span_id) AS span_id,
       session_id, start_time AS span_start,
       if(isNaN(found), 'unscored', 'scored') AS status, found AS value,
       if(isNaN(found), concat('label: ', label), '') AS reason,
       attributes[concat(prefix, 'explanation')] AS explanation, toFloat64(1) AS probability,
       '' AS judge_model, now64(3) AS scored_at, retention_days,
       if(kind_of != '', lowerUTF8(kind_of), 'openinference') AS source
FROM spans_in
ARRAY JOIN arrayFilter(k -> match(k, '^(trace\\.|session\\.)?(annotations|evaluations)\\.[0-9]+\\.(annotation|evaluation)\\.name$'), mapKeys(attributes)) AS named;
