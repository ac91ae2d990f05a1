"""evaluators/metrics."""
