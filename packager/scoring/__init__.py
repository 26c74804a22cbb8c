"""The handler's own code outside of Lambda: in this process, or in the model's environment.

With the converter it is the only room that may look inside `handler`.
"""
