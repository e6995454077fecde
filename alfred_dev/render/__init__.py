"""HOW it is written: a plan in, files out. Pure."""
