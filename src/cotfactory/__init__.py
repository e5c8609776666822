"""cotfactory: a factory for verified reasoning data."""
