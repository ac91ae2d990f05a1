"""monitors/drift."""
