"""WHAT exists: the services of the platform, their ports, health, dependencies and variables."""
