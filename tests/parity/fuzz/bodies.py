"""Scoring requests as bytes: valid ones made wrong, and plain noise."""

from dataclasses import dataclass

from hypothesis import strategies as st

from .models import Sample
from .mutations import any_json, mutated, to_text

_KINDS = ("json",) * 6 + ("cut", "csv", "csv", "parquet", "any", "noise")
_CONTENT_TYPE_OF = {"csv": b"text/csv", "parquet": b"application/vnd.apache.parquet"}
_CONTENT_TYPES = (
    b"application/json; charset=utf-8",
    b"Application/JSON;",
    b"text/csv; charset=UTF-8",
    b"application/json; charset=latin-1",
    b"application/json; format=pandas-split",
    b"application/json;;;;",
    b"text/csv, application/json",
    b"text/plain",
    b"multipart/form-data; boundary=x",
    b"",
    b";",
    b"\xff\xfe",
    b"application/json" + b" " * 10_000,
    b"application/json;" + b"a=b;" * 5_000,
)
_PIECES = (
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b'"',
    b"\\",
    b"\\u",
    b",",
    b"\r",
    b"\n",
    b"\n\n",
    b"[",
    b"}",
    b"1e999999999",
    b"9" * 5_000,
    b"a,a,a\n",
    b",,,,,,,,\n",
)
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1", "cp500")


@dataclass(frozen=True)
class Body:
    """The body of a request and its `Content-Type` header, if it has one."""

    data: bytes
    content_type: bytes | None


@st.composite
def bodies(draw: st.DrawFn, sample: Sample) -> Body:
    """Draw requests for a model: most nearly right, some not at all."""
    documents = st.sampled_from(sample.documents)
    kind = draw(st.sampled_from(_KINDS))
    content_type: bytes | None = _CONTENT_TYPE_OF.get(kind, b"application/json")
    match kind:
        case "json":
            data = _encoded(draw, draw(to_text(mutated(documents))))
        case "cut":
            data = _damaged(draw, draw(to_text(documents)).encode("utf-8", "surrogatepass"))
        case "csv":
            data = _damaged(draw, _encoded(draw, sample.csv))
        case "parquet":
            data = _damaged(draw, sample.parquet)
        case "any":
            data = draw(to_text(any_json)).encode("utf-8", "surrogatepass")
        case _:
            data = draw(st.binary(max_size=200))
    if draw(st.integers(0, 9)) == 0:
        odd = st.sampled_from(_CONTENT_TYPES) | st.binary(max_size=30) | st.none()
        content_type = draw(odd | st.sampled_from((b"text/csv", b"application/json")))
    return Body(data, content_type)


def _encoded(draw: st.DrawFn, text: str) -> bytes:
    encoding = "utf-8"
    if draw(st.integers(0, 19)) == 0:
        encoding = draw(st.sampled_from(_ENCODINGS))
    errors = "surrogatepass" if encoding.startswith("utf-") else "replace"
    return text.encode(encoding, "replace" if encoding == "utf-7" else errors)


def _damaged(draw: st.DrawFn, data: bytes) -> bytes:
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 8)))
        piece = draw(st.sampled_from(_PIECES) | st.binary(max_size=4))
        match draw(st.sampled_from(("replace", "insert", "truncate", "repeat"))):
            case "replace":
                data = data[:start] + piece + data[end:]
            case "insert":
                data = data[:start] + piece + data[start:]
            case "truncate":
                data = data[:start]
            case "repeat":
                data = data[:start] + data[start:end] * 50 + data[start:]
    return data
