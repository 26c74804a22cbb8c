"""What the check says of a model that nothing can be asked, or that refuses its own sample."""

from packager.checking.running import words_of_model

LOG = """START
ERROR the model raised
Traceback (most recent call last):
  File "model.py", line 1, in predict
ValueError: inner
During handling of the above exception, another exception occurred:
Traceback (most recent call last):
  File "model.py", line 2, in predict
LightGBMError: train and valid dataset categorical_feature do not match.
{"status": 400}
"""


def test_the_librarys_own_words_are_the_last_tracebacks() -> None:
    words = "LightGBMError: train and valid dataset categorical_feature do not match."
    assert words_of_model(LOG) == words
    assert words_of_model("START\n") is None
