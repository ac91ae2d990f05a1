"""The SDK's own exponential histogram, read back as an explicit one."""

from __future__ import annotations

import bisect
import time

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint as Point
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

from collector.signals.exponential import explicit, fault
from collector.signals.metrics import metrics

VALUES = [0.0, 0.0, 0.003, 0.7, 1.5, 1.6, 250.0, 251.5, 9e5]


def test_values_of_the_sdk_fall_in_the_buckets_that_hold_them() -> None:
    reader = InMemoryMetricReader(
        preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation(max_size=40)}
    )
    provider = MeterProvider([reader])
    latency = provider.get_meter("app").create_histogram("latency", "s")
    for value in VALUES:
        latency.record(value)
    data = reader.get_metrics_data()
    assert data is not None
    signal = metrics()
    request = encode_metrics(data)
    assert signal.check(request, time.time_ns()).reason == ""
    [row] = signal.rows(request, 1, "t")
    assert (row.kind, row.count, row.min, row.max) == ("histogram", 9, 0.0, 9e5)
    wanted = [0] * len(row.counts)
    for value in VALUES:
        wanted[bisect.bisect_left(row.bounds, value)] += 1
    assert row.counts == wanted
    provider.shutdown()


def test_negative_values_and_zero_stand_left_of_positive_ones() -> None:
    point = Point(scale=0, zero_count=5)
    point.positive.offset, point.negative.offset = 1, 0
    point.positive.bucket_counts[:] = [1, 2]
    point.negative.bucket_counts[:] = [3, 4]
    assert explicit(point) == ([-4.0, -2.0, -1.0, 2.0, 4.0, 8.0], [0, 4, 3, 5, 1, 2, 0])
    assert explicit(Point(zero_count=2)) == ([], [2])


def test_edges_beyond_a_float_stay_finite_and_in_order() -> None:
    point = Point(scale=-10)
    point.positive.offset = -2
    point.positive.bucket_counts[:] = [1, 1, 1, 1]
    bounds, counts = explicit(point)
    assert bounds == sorted(bounds) and len(counts) == len(bounds) + 1
    assert bounds[0] == 0.0 and bounds[2] == 1.0 and bounds[-1] < float("inf")
    assert "within" in fault(Point(scale=99))
