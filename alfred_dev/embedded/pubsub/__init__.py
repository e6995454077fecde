"""Pub/Sub in memory, as Google's emulator has it: gRPC and REST on one port.

``queue`` is one subscription's messages, without clock or network; ``broker`` has topics and
subscriptions; ``service`` answers RPCs; ``rpc`` and ``rest`` carry those; ``door`` tells the two
apart.
"""
