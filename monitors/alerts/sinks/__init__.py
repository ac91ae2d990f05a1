"""monitors/alerts/sinks."""
