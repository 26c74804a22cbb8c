"""Tools that know nothing of models, Lambda or AWS: archives, digests, the cache, uv, text.

Every other room may use them, and they use none.
"""
