"""collector/conventions."""
