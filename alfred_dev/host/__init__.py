"""This machine: its listeners, processes, programs and disk. Knows no plan and no service."""
