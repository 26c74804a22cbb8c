"""The model in this process: loaded once, again after a failure, ready for snapshots.

It knows nothing of requests but that a scorer answers them.
"""
