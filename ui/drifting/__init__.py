"""What drifted: distributions beside each other, and a map of texts."""
