"""Deterministic simulation: one seed, one order of everything, real rules, steps and outbox: `openhotline simulate`."""
