"""Turn what is stored into a release: groups, decisions, rows; rebuild it, publish it, compare it."""
