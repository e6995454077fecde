"""The Docker engine: which one, asked through its API, changed through its command line."""
