"""The embedded vector database: Qdrant's own engine, behind Qdrant's REST and gRPC.

``collection`` and ``store`` say what can be done, in the words of REST bodies; ``rest`` and
``rpc`` are the two doors.
"""
