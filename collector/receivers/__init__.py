"""collector/receivers."""
