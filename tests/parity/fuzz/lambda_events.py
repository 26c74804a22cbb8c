"""Lambda events: the sample events made wrong, and anything else that JSON can say."""

import base64
import json
from typing import Any

from hypothesis import strategies as st

from tests.support.commands import ROOT

from .mutations import any_json, mutated, without_marks

SAMPLES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("*.json"))
}
_PATHS = (
    "",
    "/",
    "//",
    "/ping",
    "/invocations",
    "/invocations/",
    "/docs",
    "/docs/",
    "/openapi.json",
    "/docs/oauth2-redirect",
    "/ping%00",
    "/%00",
    "/%ff%fe",
    "/%2e%2e/ping",
    "/pi%6eg",
    "/ping?x=1",
    "/ping#x",
    "ping",
    "/\x00",
    "/\ud800",
    "/\u202e\U0001f600",
    "/a" * 10_000,
    "http://example.com/ping",
    "/{proxy+}",
)
_METHODS = (
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "get",
    "",
    "G T",
    "\x00",
    "X" * 9_999,
)
_HEADER_NAMES = (
    "content-type",
    "Content-Type",
    "content-length",
    "host",
    "transfer-encoding",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-for",
    "cookie",
    "accept",
    "origin",
    "",
    "\u00e9",
    "\ud800",
    "a\r\nb",
)
_HEADER_VALUES: tuple[Any, ...] = (
    "",
    "application/json",
    "text/csv",
    "application/json; charset=\u00e9",
    "\ud800",
    "a\r\nb: c",
    "0",
    "-1",
    "99999999999",
    "a:b:c",
    "[::1]:443",
    "x" * 10_000,
    None,
    1,
    True,
    [],
    ["a", "b"],
    [None],
    {"a": "b"},
)
_BODIES: tuple[Any, ...] = (
    None,
    "",
    "{}",
    "[" * 100_000,
    "\x00",
    "\ud800",
    "not base64!",
    "AAA",
    "=",
    "\u00e9\u00e9",
    base64.b64encode(b"\xff\xfe\x00").decode(),
    base64.b64encode(b'{"inputs": [[1, 2, 3, 4]]}').decode(),
    1,
    True,
    [],
    {"inputs": [[1]]},
)
_COOKIES: tuple[Any, ...] = (["a=b"], [], None, "a=b", [1], ["\ud800"], {})
_QUERY_FIELDS = ("rawQueryString", "queryStringParameters", "multiValueQueryStringParameters")
_QUERIES: tuple[Any, ...] = (
    *("", "a=%ff", "\ud800", None, 1, {}, {"a": "b"}, {"a": ["b", None]}, []),
)
_DIALS = ("body", "base64", "method", "path", "headers", "query", "cookies", "stage")


@st.composite
def lambda_events(draw: st.DrawFn) -> Any:
    """Draw an event; six of seven come from a sample event."""
    samples = st.sampled_from(tuple(SAMPLES.values()))
    match draw(
        st.sampled_from(("mutated", "mutated", "turned", "turned", "turned", "both", "any"))
    ):
        case "mutated":
            return without_marks(draw(mutated(samples)))
        case "turned":
            return draw(_turned(samples))
        case "both":
            return without_marks(draw(mutated(_turned(samples))))
        case _:
            return draw(any_json)


@st.composite
def _turned(draw: st.DrawFn, samples: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(json.dumps(draw(samples)))
    for dial in draw(st.lists(st.sampled_from(_DIALS), min_size=1, max_size=4)):
        _turn(draw, event, dial)
    return event


def _turn(draw: st.DrawFn, event: dict[str, Any], dial: str) -> None:
    context = event["requestContext"]
    request = context.get("http", event)  # where method and path are: below it in payload 2.0
    match dial:
        case "body":
            event["body"] = draw(st.sampled_from(_BODIES) | st.text(max_size=30))
        case "base64":
            event["isBase64Encoded"] = draw(st.sampled_from((True, False, None, "true", 1, [])))
        case "method":
            name = "httpMethod" if request is event else "method"
            request[name] = draw(st.sampled_from(_METHODS) | st.text(max_size=5))
        case "path":
            request["path"] = draw(st.sampled_from(_PATHS) | st.text(max_size=10))
        case "stage":
            context["stage"] = draw(st.sampled_from(("", "/", "ping", None, 1, [], "\ud800")))
        case "cookies":
            event["cookies"] = draw(st.sampled_from(_COOKIES))
        case "query":
            event[draw(st.sampled_from(_QUERY_FIELDS))] = draw(st.sampled_from(_QUERIES))
        case _:
            _turn_headers(draw, event)


def _turn_headers(draw: st.DrawFn, event: dict[str, Any]) -> None:
    odd = draw(
        st.dictionaries(st.sampled_from(_HEADER_NAMES), st.sampled_from(_HEADER_VALUES), max_size=3)
    )
    given = event.get("headers")
    if isinstance(given, dict) and draw(st.booleans()):
        given.update(odd)
        return
    name = draw(st.sampled_from(("headers", "multiValueHeaders")))
    event[name] = draw(st.sampled_from((odd, None, [], "a", 1)))
