"""Checks of the records against each other: everything that follows from something else is rebuilt and compared."""
