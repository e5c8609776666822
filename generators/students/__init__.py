"""A small transformer that learns from released chains, how it is trained, and its server. Needs torch."""
