"""One finding as a page: what, since when, where, how it spread, examples."""
