"""Bring a bundle into a CloudFormation stack, test it there, and move traffic to it."""
