"""Files that `assay import` reads, one format each. To add one: docs/add-a-format.md."""
