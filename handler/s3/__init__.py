"""The model's object in S3, read without boto3 where that is possible.

Addresses, signatures, credentials and HTTP, for GET and HEAD alone.
"""
