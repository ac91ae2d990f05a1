"""The overview in parts: what is open, traffic, quality, health."""
