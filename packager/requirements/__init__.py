"""Which of the model's requirements a prediction needs, each decision with its reason.

The rules decide first, and what the user asked for comes last.
"""
