"""Compiled models: what computes predictions without the library that trained the model.

`program` runs what `packager/engine/converter/` made.
"""
