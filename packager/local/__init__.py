"""Models and bundles run on this machine: the emulator, `serve`, `predict`, their environments.

A process of its own runs the model's code, never this one.
"""
