"""The packages of a bundle: installed, checked, trimmed, compiled and zipped, once for each lock.

All that decides what comes out lies in this folder: its sources are part of the cache's key.
"""
