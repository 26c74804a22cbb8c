"""The lock: exact versions and wheels that answer the requirements on the target.

`obtain` says where it comes from, `explain` why there can be none.
"""
