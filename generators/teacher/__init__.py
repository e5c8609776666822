"""One request to an OpenAI-compatible endpoint: sent within its limits, read, sorted by what went wrong, watched."""
