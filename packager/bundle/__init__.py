"""The bundle as files: what lies in its folder, how it is laid out, read back and compared.

Nothing here builds, runs or uploads one.
"""
