"""Names and trust in one step, and all of it back again."""
