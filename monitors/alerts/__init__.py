"""Rules, the outbox and its sinks."""
