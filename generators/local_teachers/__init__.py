"""Teachers that run on this machine: a simulated student, and a replay of recorded completions."""
