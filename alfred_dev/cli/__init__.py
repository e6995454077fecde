"""Hear it: one file a group of commands. Heavy imports stand inside the commands."""
