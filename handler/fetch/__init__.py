"""The model's files from S3 into /tmp, each compared with its digest; packages unpacked on demand.

A folder there is whole or has no name.
"""
