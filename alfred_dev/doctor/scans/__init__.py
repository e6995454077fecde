"""What ``alfred-dev scan`` asks besides: is anything open that should not be? Checks like others.

``scan`` runs these and the few checks of the doctor that SHARED names.
"""

SHARED = ("port-public", "password-open", "files-open")
