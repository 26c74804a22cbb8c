"""A model in an older Python than ours, seen from a current one: a worker, and stand-ins.

It is copied beside the handler's loaders: it imports `handler`, and its own modules relatively.
"""
