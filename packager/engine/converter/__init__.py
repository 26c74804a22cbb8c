"""Conversion of a fitted model to arrays, in the model's own environment, beside the handler.

It is copied there: it imports `handler`, the model's libraries, and its own modules relatively.
"""
