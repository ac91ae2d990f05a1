"""Means and agreement with honest intervals: pure functions on arrays, no storage."""
