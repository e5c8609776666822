"""What a response states as its answer: where the statements are, what each says, and whether it stands."""
