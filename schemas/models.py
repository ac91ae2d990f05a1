"""Row models: one frozen dataclass per table that code writes. Times are integers since 1970, UTC.

`*_ns` style columns (DateTime64(9)) are nanoseconds, DateTime64(3) columns milliseconds,
DateTime64(6) microseconds: clickhouse-connect writes integers as ticks of the column.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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
class Sample:
    """What an evaluator sees of one trace: never a label."""

    project: str
    trace_id: str
    span_id: str
    session_id: str
    start_time: int
    question: str
    answer: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """A scored trace with the columns a monitor may segment by. `time` in ns."""

    trace_id: str
    session_id: str
    time: int
    value: float
    segment: dict[str, str]
