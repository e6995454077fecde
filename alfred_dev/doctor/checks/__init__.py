"""One check a file, pure: which look it needs, and what it makes of it.

Every module here that exports ``CHECK`` is a check; ``registry`` finds them.
"""
