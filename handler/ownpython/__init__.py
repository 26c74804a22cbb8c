"""A model that runs in a Python of its own, beside the function's: what both processes share.

The syntax of every file here is Python 3.6's: the model's own Python runs them too.
"""
