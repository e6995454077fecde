"""Faults that are injected for real into a running stack, to see what the doctor says of them."""
