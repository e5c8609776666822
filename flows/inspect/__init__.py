"""Look without buying: check a recipe, estimate a run, grade recordings, ask the catalog."""
