"""From kept candidates to a release, and from a release to the Hub."""
