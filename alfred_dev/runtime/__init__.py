"""WHO runs it."""
