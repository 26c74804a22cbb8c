"""Imports that wait: libraries rewritten so that a module is imported when it is first used.

scikit-learn imports half of scipy, pandas and itself to predict with one forest. `tree` goes
through the libraries that `libraries` names while they are compiled; `modules` rewrites one
module; `runtime` is what travels in the bundle.

This package runs in the target's own Python too, beside nothing but the standard library: so
it imports nothing of `packager`, and its own modules relatively.
"""
