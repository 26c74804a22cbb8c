"""What is known of AWS without asking it: Lambda's runtimes, its events, whose account it is.

Nothing here sends a request.
"""
