"""Programs against tests: what to run, and the verdict, which is made here on the host."""
