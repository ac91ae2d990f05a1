"""OTLP metrics: gauges, sums, explicit and exponential histograms; summaries are refused and
counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from collector.chat import text
from collector.keeping import Fixed, Keeping, Naming
from collector.normalise import attributes, resource_columns
from collector.rejections import Found
from collector.signals import exponential
from collector.signals.admission import Admission, admission
from collector.signals.base import Checked, Signal, keep, noted
from schemas.models import MetricRow

_STORED = ("gauge", "sum", "histogram", "exponential_histogram")
_TEMPORALITY = {1: "delta", 2: "cumulative"}
_NO_VALUE = 1  # DataPointFlags: the point says that there is none


def _fault(rules: Admission, kind: str, point: Any) -> str:
    if kind not in _STORED:
        return f"{kind.replace('_', ' ')} points are not stored: export histograms"
    if kind == "histogram" and len(point.bucket_counts) not in {0, len(point.explicit_bounds) + 1}:
        return "a histogram needs one bucket more than it has bounds"
    if kind == "histogram" and len(point.bucket_counts) > exponential.MOST_BUCKETS:
        return f"a histogram has {exponential.MOST_BUCKETS} buckets at most"
    why = exponential.fault(point) if kind == "exponential_histogram" else ""
    return why or rules.fault(point, point.time_unix_nano, "time")


def _metrics(request: Any) -> Iterator[tuple[Any, Any, Any, str]]:
    """(resource, scope, metric, kind of its data; "" where it has none)."""
    for group in request.resource_metrics:
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                yield group.resource, scope.scope, metric, metric.WhichOneof("data") or ""


def check(
    keeping: Keeping, naming: Naming, request: ExportMetricsServiceRequest, now_ns: int
) -> Checked:
    """Remove points that can never be stored; the rest of the batch is kept."""
    kept = rejected = 0
    reason = ""
    found: Found = {}
    for resource, scope, metric, kind in _metrics(request):
        if kind:
            points = getattr(metric, kind).data_points
            rules = admission(keeping, naming, now_ns, resource)
            good, bad, why = keep(
                points,
                partial(_fault, rules, kind),
                noted(found, resource, scope, metric.name),
            )
            kept, rejected, reason = kept + good, rejected + bad, reason or why
    return Checked(request, kept, rejected, reason, found)


def _values(kind: str, point: Any) -> dict[str, Any]:
    if kind in {"histogram", "exponential_histogram"}:
        bounds, counts = (
            (list(point.explicit_bounds), list(point.bucket_counts))
            if kind == "histogram"
            else exponential.explicit(point)
        )
        return {
            "count": point.count, "sum": point.sum, "min": point.min, "max": point.max,
            "bounds": bounds, "counts": counts,
        }  # fmt: skip
    which = point.WhichOneof("value")
    missing = point.flags & _NO_VALUE or which is None
    return {"value": float("nan") if missing else float(getattr(point, which))}


def rows(keeping: Keeping, request: Any, received_ns: int, token: str) -> list[Any]:
    """Every stored point of a request as a MetricRow."""
    days = keeping.now().retentions
    result = []
    for resource, _, metric, kind in _metrics(request):
        if kind not in _STORED:
            continue
        base = resource_columns(resource, received_ns, token, days)
        data = getattr(metric, kind)
        temporality = _TEMPORALITY.get(getattr(data, "aggregation_temporality", 0), "")
        for point in data.data_points:
            found = {k: text(v) for k, v in attributes(point.attributes).items()}
            said = [found, base["resource"], point.time_unix_nano, point.start_time_unix_nano]
            name = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
            result.append(
                MetricRow(
                    name=metric.name,
                    kind="histogram" if "histogram" in kind else kind,
                    unit=metric.unit,
                    time=point.time_unix_nano,
                    start_time=point.start_time_unix_nano,
                    point_id=name[:32],
                    temporality=temporality,
                    monotonic=int(getattr(data, "is_monotonic", False)),
                    attributes=found,
                    **_values(kind, point),
                    **base,
                )
            )
    return result


def _answer(rejected: int, reason: str) -> ExportMetricsServiceResponse:
    response = ExportMetricsServiceResponse()
    if rejected:
        response.partial_success.rejected_data_points = rejected
        response.partial_success.error_message = reason
    return response


def metrics(keeping: Keeping | None = None, naming: Naming | None = None) -> Signal:
    kept, names = keeping or Fixed(), naming or Naming()
    return Signal("metrics", ExportMetricsServiceRequest, MetricRow, partial(check, kept, names),
                  partial(rows, kept), _answer, kept, names)  # fmt: skip
