"""Which segment explains a change."""
