"""Compose files nobody here wrote: every value with its file:line, judged by one file a rule."""
