"""A scoring request from bytes to data, and the predictions back to bytes.

`scorer` is the way through; it knows nothing of HTTP servers or Lambda events.
"""
