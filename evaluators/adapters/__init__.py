"""Metrics of other libraries as evaluators, on the judges of assay.yaml."""
