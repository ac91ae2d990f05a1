"""OTLP in, rows out: receive, decode, validate, spool, acknowledge; then normalise and write."""
