"""Scripts that save models, each in an environment of its own: nothing here imports them."""
