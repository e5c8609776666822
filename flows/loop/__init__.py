"""Rounds in which a student learns from what was kept of its own chains, and the proof that this teaches."""
