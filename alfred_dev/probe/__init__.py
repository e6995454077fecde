"""IS it well? One file a protocol; ``run`` finds it by the name of the kind and asks many at once.

``base`` has the nouns, ``targets`` makes them from a plan, ``wire`` is what all protocols share.
"""
