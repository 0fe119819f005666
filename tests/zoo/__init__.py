"""Tiny networks with the boundaries that multi-focus fusion networks have in the wild."""
