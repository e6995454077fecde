"""The live page of a checkout, and the figures behind it."""
