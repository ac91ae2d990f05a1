"""Sums by the hour of what pages ask of weeks: made once an hour is closed, read instead of rows.

An hour's row is written by the same SELECT that answers from the raw tables where no row is, so
that both say the same; a page reads closed hours and, in the same query, the rest.
"""
