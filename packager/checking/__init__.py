"""The check of a finished bundle: what its files say, then what it does when it runs here.

A check that could not be made is never shown as passed.
"""
