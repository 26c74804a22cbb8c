"""The model's files from S3 into /tmp, each compared with its digest before it is used.

A folder there is whole or has no name.
"""
