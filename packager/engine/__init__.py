"""The fastest engine that computes a model's predictions and is proven to give the same ones.

`choose` runs `converter/` in the model's own environment and keeps what comes of it.
"""
