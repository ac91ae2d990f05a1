"""Row models: one frozen dataclass per table that code writes. Times are integers since 1970, UTC.

`*_ns` style columns (DateTime64(9)) are nanoseconds, DateTime64(3) columns milliseconds,
DateTime64(6) microseconds: clickhouse-connect writes integers as ticks of the column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A normalised span as inserted into `spans_in`. Ids are lower-case hex text."""

    project: str
    trace_id: str
    span_id: str
    start_time: int
    parent_span_id: str = ""
    session_id: str = ""
    user_id: str = ""
    duration_ns: int = 0
    name: str = ""
    kind: str = ""  # LLM, RETRIEVER, CHAIN, TOOL, AGENT, EMBEDDING, RERANKER, "" where unknown
    service: str = ""
    service_version: str = ""
    environment: str = ""
    provider: str = ""
    model: str = ""
    prompt_version: str = ""
    document_source: str = ""
    status: str = "UNSET"  # UNSET, OK, ERROR
    status_message: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    convention: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    resource: dict[str, str] = field(default_factory=dict)
    input: str = ""
    output: str = ""
    documents: list[str] = field(default_factory=list)
    events: str = ""
    links: str = ""
    retention_days: int = 30
    segment: str = ""
    ingested_at: int = 0
    cache_read_tokens: int = 0  # of input_tokens
    cache_write_tokens: int = 0  # of input_tokens
    reasoning_tokens: int = 0  # of output_tokens
    finish_reason: str = ""
    cost_source: str = ""  # span, genai-prices <release>, unpriced, "" without tokens or model
    prompt_name: str = ""
    tags: list[str] = field(default_factory=list)
    first_token_ns: int = 0  # from the start to the first token of a stream, 0 where unknown
    error_type: str = ""
    input_messages: str = ""  # JSON of schemas.messages, as output_messages
    output_messages: str = ""
    document_ids: list[str] = field(default_factory=list)  # beside documents, as the next two
    document_scores: list[float] = field(default_factory=list)  # NaN where there is none
    document_sources: list[str] = field(default_factory=list)
    tool_names: list[str] = field(default_factory=list)  # calls asked for, or the call that it is
    tool_ids: list[str] = field(default_factory=list)  # beside tool_names, as tool_arguments
    tool_arguments: list[str] = field(default_factory=list)
    tool_result_ids: list[str] = field(default_factory=list)  # results that were given back
    tool_results: list[str] = field(default_factory=list)
    sampling_probability: float = 1.0  # with which the client kept the trace (ot=th)


@dataclass(frozen=True, slots=True)
class LogRow:
    """An OTLP log record as inserted into `logs_in`. `log_id` is a hash of what it says, so that
    a record sent twice is one; `severity` is OTLP's number, 0 where it is not given."""

    project: str
    time: int
    log_id: str
    trace_id: str = ""
    span_id: str = ""
    severity: int = 0
    severity_text: str = ""
    event_name: str = ""
    body: str = ""
    service: str = ""
    service_version: str = ""
    environment: str = ""
    scope: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    resource: dict[str, str] = field(default_factory=dict)
    retention_days: int = 30
    segment: str = ""
    ingested_at: int = 0


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One data point as inserted into `metrics_in`. `kind` is gauge, sum or histogram: the first
    two have `value`, the third count, sum, min, max, and `counts` per bucket of `bounds`."""

    project: str
    name: str
    kind: str
    time: int
    point_id: str
    unit: str = ""
    start_time: int = 0
    value: float = 0.0
    count: int = 0
    sum: float = 0.0
    min: float = 0.0
    max: float = 0.0
    bounds: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    temporality: str = ""  # delta, cumulative, "" for gauges
    monotonic: int = 0
    service: str = ""
    service_version: str = ""
    environment: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    resource: dict[str, str] = field(default_factory=dict)
    retention_days: int = 30
    segment: str = ""
    ingested_at: int = 0


@dataclass(frozen=True, slots=True)
class RejectionRow:
    """Refused items of one day with the same reason and SDK. `sample` is JSON without values:
    names, ids, times, attribute keys and lengths, so that nothing in it needs redaction.
    `day` is a date; times are milliseconds. Rows with the same key are added up."""

    project: str
    day: date
    signal: str
    reason: str
    sdk: str
    sample: str
    count: int
    first_at: int
    last_at: int


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One verdict. `value` is NaN unless status is 'scored'; `reason` says why."""

    project: str
    evaluator: str
    evaluator_version: str
    trace_id: str
    span_id: str
    span_start: int
    status: str  # scored | unscored | error
    value: float
    scored_at: int
    level: str = "trace"
    session_id: str = ""
    reason: str = ""
    explanation: str = ""
    probability: float = 1.0
    judge_model: str = ""
    retention_days: int = 30
    source: str = "assay"  # who judged: assay, or otel where a log event brought the result
    rule: str = ""  # of the evaluation section that asked for it
    attempts: int = 1
    retry_at: int = 0  # when an error that may pass is tried again, 0 for never


@dataclass(frozen=True, slots=True)
class LabelRow:
    """What one annotator says of an item. `chosen` is 'probability', drawn with `probability`, or
    'convenience'; `labelled_at` in ms. A newer row of the same annotator replaces it."""

    project: str
    evaluator: str
    trace_id: str
    span_id: str
    annotator: str
    value: float
    label: str
    chosen: str
    probability: float
    comment: str
    labelled_at: int


@dataclass(frozen=True, slots=True)
class JudgeUsageRow:
    """What a judge took on one day (UTC) for an evaluator. Rows with the same key are added up."""

    project: str
    day: date
    judge: str
    evaluator: str
    evaluator_version: str
    model: str
    requests: int
    retries: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unpriced: int


@dataclass(frozen=True, slots=True)
class EmbeddingRow:
    project: str
    field: str  # input | output
    model: str
    trace_id: str
    span_id: str
    span_start: int
    vector: list[float]
    created_at: int
    retention_days: int = 30


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A drift finding. `segment` is JSON, {} for the whole project; p_value after correction."""

    project: str
    finding_id: str
    signal: str
    detector: str
    segment: str
    status: str  # confirmed | uncalibrated
    onset: int
    window_start: int
    window_end: int
    n_reference: int
    n_current: int
    mean_reference: float
    mean_current: float
    effect: float
    effect_low: float
    effect_high: float
    p_value: float
    share_explained: float
    details: str
    found_at: int


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """What somebody asked of a change: JSON of schemas.questions.Question, and JSON of the answer.
    `asked_at` in ms, `updated_at` in us; a newer row with the same id replaces it."""

    project: str
    question_id: str
    document: str
    status: str  # waiting | answered | failed
    answer: str
    asked_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One webhook delivery in the outbox; a newer row with the same id replaces it."""

    project: str
    delivery_id: str
    finding_id: str
    rule: str
    sink: str
    target: str
    status: str  # pending | delivered | dead
    attempts: int
    response_code: int
    error: str
    body: str
    next_attempt_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One version of a control document; `owner` is file or ui, `changed_at` in ms."""

    kind: str
    name: str
    version: int
    owner: str
    author: str
    document: str
    deleted: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class TombstoneRow:
    """Something that was deleted, as a keyed hash. Items of it that began at `until_ns` or before
    are refused; `deleted_at` in ms."""

    project: str
    kind: str  # trace | session | user | project | salt
    digest: str
    until_ns: int
    deleted_at: int


@dataclass(frozen=True, slots=True)
class DeletedIdRow:
    """An id that a deletion holds in memory while it runs."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool; `arguments` as JSON, where they are; `schema`: the tool's definition or the
    JSON Schema of its arguments, '' where it is not known."""

    name: str
    arguments: str
    failed: bool = False
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """What an evaluator sees of one trace (span, session): never a label."""

    project: str
    trace_id: str
    span_id: str
    session_id: str
    start_time: int
    question: str
    answer: str
    documents: tuple[str, ...]
    retention_days: int = 30
    reference: str = ""  # what should have been answered; traces have none
    rival: str = ""  # another answer, to compare with; traces have none
    tools: tuple[ToolCall, ...] = ()  # read only for evaluators that need them
    turns: tuple[tuple[str, str], ...] = ()  # (question, answer) of a session's traces, in order


@dataclass(frozen=True, slots=True)
class Observation:
    """A scored trace with the columns a monitor may segment by. `time` in ns."""

    trace_id: str
    session_id: str
    time: int
    value: float
    segment: dict[str, str]
