"""Rows of known benchmarks and training sets as they are, one format a file: `format: taco` in a recipe."""
