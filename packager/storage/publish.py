"""Put a bundle's model, layer and function zip into S3, under keys that name their content."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from handler.manifest import FileEntry
from packager.bundle.folder import FUNCTION_ZIP, Bundle
from packager.bundle.keys import DEFAULT_PREFIX, check_names, function_key, layer_key, model_key
from packager.errors import ConfigError, StorageError
from packager.progress import LOGGED, Progress
from packager.storage.client import S3Client, error_code, s3_client, storage_errors
from packager.storage.upload import ensure_object


@dataclass(frozen=True)
class PublishedObject:
    """One object that is in S3 now, whole."""

    name: Literal["model", "layer", "function"]
    key: str
    size_bytes: int
    sha256: str
    """Lower-case hex digest of the object's bytes."""
    is_uploaded: bool
    """False: it was there already."""


@dataclass(frozen=True)
class PublishReport:
    """Where the bundle is now."""

    bucket: str
    model: PublishedObject | None
    """None: the model is embedded in the function zip."""
    layer: PublishedObject | None
    """None: the dependencies are in the function zip, or image."""
    function: PublishedObject | None
    """None: the function is a container image, which no S3 holds."""

    @property
    def objects(self) -> tuple[PublishedObject, ...]:
        """All that the bundle has in S3, in the order in which it was sent."""
        return tuple(item for item in (self.model, self.layer, self.function) if item)


def publish(
    bundle: Bundle,
    bucket: str,
    prefix: str = DEFAULT_PREFIX,
    *,
    create_bucket: bool = False,
    region: str | None = None,
    client: S3Client | None = None,
    progress: Progress = LOGGED,
) -> PublishReport:
    """Upload the bundle; what is there already, whole or in part, is not sent again.

    The function zip goes last: where it is, its model and its layer are too. Of a container
    image only the model goes to S3, and of one with an embedded model nothing.

    :param prefix: of the keys, without outer slashes; may be empty.
    :param create_bucket: make the bucket first if there is none.
    :param region: the only one that the bucket may be in; None: any.
    :param client: default: the one for the user's AWS settings.
    :raises StorageError: S3 refused, cannot be reached, or did not keep what was sent.
    :raises ConfigError: no bucket name, one of another region, or a prefix that `template.yaml`
        does not take.
    """
    check_names(bucket, prefix)
    is_image = bundle.manifest.package_type == "image"
    if is_image and bundle.model_zip is None:
        return PublishReport(bucket=bucket, model=None, layer=None, function=None)
    s3 = client or s3_client()
    ensure_bucket(s3, bucket, create=create_bucket, region=region, progress=progress)
    model = publish_model(s3, bundle, bucket, prefix, progress=progress)
    layer, function = None, None
    if bundle.manifest.layer and bundle.layer_zip:
        entry = bundle.manifest.layer
        key = layer_key(prefix, entry.sha256)
        layer = _send(s3, "layer", bundle.layer_zip, entry, bucket, key, progress)
    if not is_image:
        entry = bundle.artifact(FUNCTION_ZIP)
        key = function_key(prefix, entry.sha256)
        function = _send(s3, "function", bundle.function_zip, entry, bucket, key, progress)
    return PublishReport(bucket, model, layer, function)


def publish_model(
    s3: S3Client, bundle: Bundle, bucket: str, prefix: str, *, progress: Progress = LOGGED
) -> PublishedObject | None:
    """Upload the model archive alone; return None when the model is embedded.

    :raises StorageError: as :func:`publish`.
    """
    archive = bundle.manifest.model_archive
    if archive is None or bundle.model_zip is None:
        return None
    key = model_key(prefix, archive.sha256)
    return _send(s3, "model", bundle.model_zip, archive, bucket, key, progress)


def ensure_bucket(
    s3: S3Client,
    bucket: str,
    *,
    create: bool,
    region: str | None = None,
    progress: Progress = LOGGED,
) -> None:
    """Check that the bucket is there and ours to use; make it if `create` and it is not.

    :param region: the only one that it may be in; None: any.
    :raises StorageError: it is missing, or S3 refuses.
    :raises ConfigError: it is in another region.
    """
    from botocore.exceptions import ClientError  # heavy

    with storage_errors(f"use the bucket {bucket}"):
        try:
            found = s3.head_bucket(Bucket=bucket)
            place = found["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
            if region and place and place != region:
                raise ConfigError(
                    f"the bucket {bucket} is in {place}, and the function would be in {region}",
                    hint="Lambda takes its code from its own region: give a --bucket there.",
                )
            return
        except ClientError as error:
            if error_code(error) not in ("404", "NoSuchBucket"):
                raise
            if not create:
                raise StorageError(
                    f"there is no bucket {bucket}",
                    hint="Check the name and AWS_DEFAULT_REGION, or let `packager publish"
                    " --create-bucket` make it.",
                ) from error
    progress.step(f"Creating the bucket {bucket}")
    own = s3.meta.region_name
    # us-east-1 is the one region that must not be named.
    where = {} if own in (None, "us-east-1", "aws-global") else {"LocationConstraint": own}
    options = {"CreateBucketConfiguration": where} if where else {}
    with storage_errors(f"create the bucket {bucket}"):
        s3.create_bucket(Bucket=bucket, **options)


def _send(
    s3: S3Client,
    name: Literal["model", "layer", "function"],
    path: Path,
    entry: FileEntry,
    bucket: str,
    key: str,
    progress: Progress,
) -> PublishedObject:
    is_uploaded = ensure_object(s3, path, entry, bucket, key, progress)
    return PublishedObject(name, key, entry.size_bytes, entry.sha256, is_uploaded)
