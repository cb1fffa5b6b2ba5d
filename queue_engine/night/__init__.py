"""The night's run: one ordered tuple of steps (rules F)."""
