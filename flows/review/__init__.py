"""Have people review a recipe's chains: draw the sample, serve the page, keep what they say, use it."""
