"""Serve rewards: which problems, how rollouts are graded in time, how they are kept."""
