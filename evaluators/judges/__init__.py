"""evaluators/judges."""
