"""Other people's rollouts and data sets as problems and recordings: one format a file, nothing is asked of anybody."""
