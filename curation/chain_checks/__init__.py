"""What one chain is found to be, read on its own: steps, loops, leaks, language, form."""
