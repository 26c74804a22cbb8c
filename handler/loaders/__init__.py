"""Loading a model: one module for each flavor, imported only for the flavor that is there.

`load` chooses the module.
"""
