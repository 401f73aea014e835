"""What is measured: each module has `measure()`, which yields rows of the report."""
