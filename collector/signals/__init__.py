"""One file per OTLP signal: what is refused, and how a request becomes rows."""
