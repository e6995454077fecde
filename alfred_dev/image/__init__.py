"""The one local image that every embedded engine and stand-in runs from."""
