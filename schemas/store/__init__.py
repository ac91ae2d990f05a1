"""schemas/store."""
