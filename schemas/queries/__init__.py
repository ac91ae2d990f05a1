"""Every SELECT, as typed functions that take a Store and, save `projects`, a project."""
