"""Acts of the department's officer: stop-list, archive, restore, confirmation (rules D7, E)."""
