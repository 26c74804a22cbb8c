"""Bring a bundle into a CloudFormation stack, test it there, and move traffic to it.

`story` tells a deployment in one page; each step begins by reading what is there.
"""
