"""The packages of a bundle: installed, checked, trimmed, compiled and zipped, once for each lock.

Whatever changes here makes a set of packages anew: the sources are part of the cache's key.
"""
