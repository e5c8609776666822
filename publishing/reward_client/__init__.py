"""What a release with the product `rl` carries for trainers: the reward of its rows, as a file without dependencies."""
