"""One file of rules per semantic convention, registered as data."""
