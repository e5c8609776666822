"""REWARDS: what trainers call over HTTP - rollouts in, rewards out. Grades nothing itself: `flows` hands that in."""
