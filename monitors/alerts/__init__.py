"""monitors/alerts."""
