"""Candidates in, grades out. A crash of ours is `ungraded`, never wrong."""
