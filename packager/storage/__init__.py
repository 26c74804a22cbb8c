"""S3: objects put there whole or not at all, under keys that name their content.

What is there already is never sent again.
"""
