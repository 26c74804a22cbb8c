"""What comes before the first build: a repository to begin with, and the doctor.

Neither needs a model to be read.
"""
