"""The list of traces: search, filters, percentiles, latency over time, pages."""
