"""Sample events: what AWS would send a bundle's function, for `invoke` and `sam local`."""

import json
from pathlib import Path

from handler.manifest import BundleManifest
from packager.aws.http_events import GATEWAYS, Event, SampleRequest
from packager.model.samples import SampleRequests, sample_requests

_JSON = "application/json"
_GATEWAY_OF_VARIANTS = "http-api"
"""Bodies other than the four JSON formats come by one gateway: the others wrap them alike."""


def sample_events(manifest: BundleManifest) -> dict[str, Event]:
    """Return events by name, as `http-api-dataframe-split`; equal manifests give equal events.

    Those named `*-malformed-json` and `*-missing-column` are answered with 400, all others
    with 200. A model that says nothing of its input gets only the `GET` ones.
    """
    requests = {f"{gateway}-ping": (gateway, SampleRequest("GET", "/ping")) for gateway in GATEWAYS}
    for name in ("health", "version"):
        requests[f"{_GATEWAY_OF_VARIANTS}-{name}"] = (
            _GATEWAY_OF_VARIANTS,
            SampleRequest("GET", f"/{name}"),
        )
    samples = sample_requests(manifest.model)
    if samples is not None:
        for gateway in GATEWAYS:
            for name, document in samples.documents.items():
                requests[f"{gateway}-{name}"] = (gateway, _post(json.dumps(document)))
        for name, request in _variants(samples).items():
            requests[f"{_GATEWAY_OF_VARIANTS}-{name}"] = (_GATEWAY_OF_VARIANTS, request)
    return {
        name: GATEWAYS[gateway](request) for name, (gateway, request) in sorted(requests.items())
    }


def write_events(manifest: BundleManifest, folder: Path) -> None:
    """Write each sample event to `folder/<name>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, event in sample_events(manifest).items():
        text = json.dumps(event, indent=2) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


def _variants(samples: SampleRequests) -> dict[str, SampleRequest]:
    body = json.dumps(next(iter(samples.documents.values())))
    variants = {
        "base64": _post(body, is_base64=True),
        "malformed-json": _post(body[: len(body) // 2]),
    }
    if samples.csv is not None:
        variants["csv"] = _post(samples.csv, content_type="text/csv")
    if samples.mismatch is not None:
        variants["missing-column"] = _post(json.dumps(samples.mismatch))
    return variants


def _post(body: str, *, content_type: str = _JSON, is_base64: bool = False) -> SampleRequest:
    return SampleRequest("POST", "/invocations", content_type, body, is_base64)
