"""Rule parameters as dated data with their sources, the working calendar, and the arithmetic of ages."""
