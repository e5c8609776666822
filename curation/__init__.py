"""Which candidates are worth publishing: one Decision each."""
