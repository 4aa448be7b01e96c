"""Tells a host's program, at the address it named, that a notice is there for it."""
