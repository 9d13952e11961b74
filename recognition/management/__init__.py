"""Management commands of recognition."""
