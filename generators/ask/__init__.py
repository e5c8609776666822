"""What is asked and how often: prompts, strategies of several turns, rollouts, when to stop."""
