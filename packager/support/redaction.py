"""Logins in URLs: never in a lock, a log or a message."""

import re
from urllib.parse import urlsplit

LOGIN_HINT = "Put the login into a netrc file, or name the index with --extra-index-url."
_LOGIN = re.compile(r"://[^/@\s]+@")


def has_login(url: str) -> bool:
    """Tell whether a URL brings a password along. A user alone, as git's, is no secret."""
    return bool(urlsplit(url).password)


def without_login(text: str) -> str:
    """Return the text with stars for what stands before the host in each URL."""
    return _LOGIN.sub("://***@", text)
