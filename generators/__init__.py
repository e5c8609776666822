"""Problems in, candidates out: sources, prompts, teachers and when to stop asking."""
