"""The object store: the only module that speaks S3.

Keys are made here and nowhere else, from ids and hashes, never from a user's text.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from uuid import UUID

import boto3
import urllib3
from boto3.s3.transfer import TransferConfig
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

# Bytes that go out in one plain request.
SMALL = 8 * 1024 * 1024

# Parts of large files at once, 8 MB each; boto3's own ten take 80 MB, which the process then keeps.
TRANSFER = TransferConfig(max_concurrency=3)


class ObjectMissing(Exception):
    """A row speaks of an object that the store does not have."""


class ObjectChanged(ObjectMissing):
    """A bucket that is not ours has another object under that key by now."""


class StoreAway(ConnectionError):
    """The object store does not answer, or refuses; trying again later may help."""


@dataclass(frozen=True)
class Stored:
    """An object as the store lists it."""

    key: str
    size: int
    modified: datetime


class SourceRefuses(Exception):
    """A bucket to take photos from does not let us read. The message is a sentence for people."""


@dataclass(frozen=True)
class Foreign:
    """An object in a bucket to take photos from. `version` is empty where the bucket keeps none."""

    key: str
    size: int
    etag: str
    version: str = ""


@dataclass(frozen=True)
class Unfinished:
    """An upload in parts that was begun and not closed: it takes room and is no object."""

    key: str
    upload_id: str
    begun: datetime


@functools.cache
def _client(endpoint: str = ""):
    """One for all threads: a client is safe to share, and making one takes most of a second."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint or settings.S3_ENDPOINT_URL or None,
        region_name=settings.S3_REGION,
        aws_access_key_id=settings.S3_ACCESS_KEY_ID or None,
        aws_secret_access_key=settings.S3_SECRET_ACCESS_KEY or None,
        config=Config(
            signature_version="s3v4",  # signed addresses would be of the older kind, which binds no size
            # Not every S3 server knows the newer checksum headers.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
            connect_timeout=5,
            read_timeout=60,
            retries={"max_attempts": 3, "mode": "standard"},
            max_pool_connections=32,
        ),
    )


def _translated(error: Exception, key: str) -> Exception:
    code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
    if code in {"PreconditionFailed", "412"}:
        return ObjectChanged(f"“{key}” is another object by now.")
    if code in {"NoSuchKey", "NoSuchVersion", "NoSuchUpload", "404", "NotFound"}:
        return ObjectMissing(f"The object store has no “{key}”.")
    return StoreAway(f"The object store did not take or give “{key}”: {error}")


def put(key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
    """Store an object; the same key again replaces it."""
    if len(body) <= SMALL and _put_small(key, body, content_type):
        return
    try:
        _client().put_object(Bucket=settings.S3_BUCKET, Key=key, Body=body, ContentType=content_type)
    except (ClientError, BotoCoreError) as error:
        raise _translated(error, key) from error


def _put_small(key: str, body: bytes, content_type: str) -> bool:
    """Whether one plain request stored it: half the work that the client makes of it, four times a photo.

    Whatever else than "stored" comes back is left to the client, which tries again and knows the errors.
    """
    url = f"{_client().meta.endpoint_url}/{settings.S3_BUCKET}/{key}"
    request = AWSRequest("PUT", url, headers={"Content-Type": content_type}, data=body)
    request.context["client_config"] = _client().meta.config
    _signer().add_auth(request)
    try:
        answer = _pool().request("PUT", url, body=body, headers=dict(request.headers))
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200


@functools.cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=32, retries=False, timeout=urllib3.Timeout(connect=5, read=60))


@functools.cache
def _signer() -> S3SigV4Auth:
    """With credentials that renew themselves, where they are a role's."""
    session = boto3.Session(settings.S3_ACCESS_KEY_ID or None, settings.S3_SECRET_ACCESS_KEY or None)
    return S3SigV4Auth(session.get_credentials(), "s3", _client().meta.region_name)


def ticket_to_put(key: str, size: int, seconds: int) -> str:
    """An address where a browser may put exactly `size` bytes under this key, for so long; settings must name one."""
    return _client(settings.S3_PUBLIC_ENDPOINT_URL).generate_presigned_url(
        "put_object", {"Bucket": settings.S3_BUCKET, "Key": key, "ContentLength": size}, seconds
    )


def get(key: str) -> bytes:
    try:
        return _client().get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise _translated(error, key) from error


def get_part(key: str, start: int, length: int) -> bytes:
    """So many bytes of an object from `start`; fewer where it ends, and at least one must be there."""
    try:
        wanted = f"bytes={start}-{start + length - 1}"
        return _client().get_object(Bucket=settings.S3_BUCKET, Key=key, Range=wanted)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise _translated(error, key) from error


def stream(key: str, chunk: int = 256 * 1024, start: int = 0) -> tuple[int, Iterator[bytes]]:
    """Length in bytes and an iterator over the object from `start` on, for answers that should not sit in memory."""
    part = {"Range": f"bytes={start}-"} if start else {}
    try:
        answer = _client().get_object(Bucket=settings.S3_BUCKET, Key=key, **part)
    except (ClientError, BotoCoreError) as error:
        raise _translated(error, key) from error
    return answer["ContentLength"], answer["Body"].iter_chunks(chunk)


def upload_file(key: str, path: str) -> None:
    """Put a file from disk, in parts when it is large."""
    try:
        _client().upload_file(path, settings.S3_BUCKET, key, Config=TRANSFER)
    except (ClientError, BotoCoreError, boto3.exceptions.S3UploadFailedError) as error:
        raise _translated(error, key) from error


def look_at(key: str) -> Stored:
    """Raises ObjectMissing."""
    try:
        head = _client().head_object(Bucket=settings.S3_BUCKET, Key=key)
    except (ClientError, BotoCoreError) as error:
        raise _translated(error, key) from error
    return Stored(key, head["ContentLength"], head["LastModified"])


def exists(key: str) -> bool:
    try:
        look_at(key)
    except ObjectMissing:
        return False
    return True


def upload_from(key: str, file: IO[bytes]) -> None:
    """Put an open file's content, in parts when it is large."""
    try:
        _client().upload_fileobj(file, settings.S3_BUCKET, key, Config=TRANSFER)
    except (ClientError, BotoCoreError, boto3.exceptions.S3UploadFailedError) as error:
        raise _translated(error, key) from error


def download_to(key: str, file: IO[bytes]) -> None:
    """Write the object to an open file, in parts when it is large."""
    try:
        _client().download_fileobj(settings.S3_BUCKET, key, file, Config=TRANSFER)
    except (ClientError, BotoCoreError) as error:
        raise _translated(error, key) from error


def delete(key: str) -> None:
    """Afterwards it is not there, whether it was or not."""
    try:
        _client().delete_object(Bucket=settings.S3_BUCKET, Key=key)
    except (ClientError, BotoCoreError) as error:
        raise _translated(error, key) from error


def listed(prefix: str) -> Iterator[Stored]:
    """All objects whose key begins so, in order of their keys, page by page."""
    for page in _pages("list_objects_v2", prefix):
        for found in page.get("Contents", ()):
            yield Stored(found["Key"], found["Size"], found["LastModified"])


def listed_by_folder(prefix: str) -> Iterator[Stored]:
    """The same, asking for each folder directly under `prefix` by itself.

    A store over plain files reads a whole tree for each page of it, and the trees of photos are large.
    """
    for page in _pages("list_objects_v2", prefix, Delimiter="/"):
        loose = [Stored(found["Key"], found["Size"], found["LastModified"]) for found in page.get("Contents", ())]
        folders = [found["Prefix"] for found in page.get("CommonPrefixes", ())]
        for one in sorted([*loose, *folders], key=lambda one: getattr(one, "key", one)):
            if isinstance(one, Stored):
                yield one
            else:
                yield from listed(one)


def folders(prefix: str) -> Iterator[str]:
    """What lies directly under `prefix` and has objects of its own, each with the prefix and a slash at its end."""
    for page in _pages("list_objects_v2", prefix, Delimiter="/"):
        yield from (found["Prefix"] for found in page.get("CommonPrefixes", ()))


def unfinished_uploads(prefix: str) -> Iterator[Unfinished]:
    try:
        for page in _pages("list_multipart_uploads", prefix):
            for found in page.get("Uploads", ()):
                yield Unfinished(found["Key"], found["UploadId"], found["Initiated"])
    except ObjectMissing:  # so do some servers say that there is none
        return


def abort_upload(upload: Unfinished) -> None:
    """Raises ObjectMissing when it was closed or given up meanwhile."""
    try:
        _client().abort_multipart_upload(Bucket=settings.S3_BUCKET, Key=upload.key, UploadId=upload.upload_id)
    except (ClientError, BotoCoreError) as error:
        raise _translated(error, upload.key) from error


def _pages(operation: str, prefix: str, **asked) -> Iterator[dict]:
    asked = {"Bucket": settings.S3_BUCKET, "Prefix": prefix, **asked}
    try:
        yield from _client().get_paginator(operation).paginate(**asked)
    except (ClientError, BotoCoreError) as error:
        raise _translated(error, prefix) from error


# What a bucket that is not ours answers when asking again will not help.
_REFUSALS = {
    "AccessDenied": "The object store does not let Facet read “{name}”. Ask whoever runs it for the right to.",
    "403": "The object store does not let Facet read “{name}”. Ask whoever runs it for the right to.",
    "NoSuchBucket": "There is no bucket “{bucket}”.",
    "InvalidObjectState": "“{name}” lies in an archive tier. Restore it and synchronise again.",
}


def listed_elsewhere(bucket: str, prefix: str) -> Iterator[Foreign]:
    """All objects of a bucket that is not ours whose key begins so. Raises SourceRefuses."""
    with _as_source(bucket, prefix or bucket):
        for page in _pages("list_objects_v2", prefix, Bucket=bucket):
            for found in page.get("Contents", ()):
                yield Foreign(found["Key"], found["Size"], found.get("ETag", "").strip('"'))


def get_elsewhere(bucket: str, key: str, most: int) -> tuple[bytes, Foreign]:
    """At most `most` bytes of an object, and which one it was by then. Raises ObjectMissing or SourceRefuses."""
    with _as_source(bucket, key):
        try:
            answer = _client().get_object(Bucket=bucket, Key=key)
            with contextlib.closing(answer["Body"]) as body:
                data = body.read(most)
        except (ClientError, BotoCoreError) as error:
            raise _translated(error, key) from error
    etag, version = answer.get("ETag", "").strip('"'), answer.get("VersionId", "")
    return data, Foreign(key, answer["ContentLength"], etag, version)


def stream_same(bucket: str, known: Foreign, chunk: int = 256 * 1024) -> Iterator[bytes]:
    """An object of a bucket that is not ours, if it is still the one that is known.

    Raises ObjectMissing, ObjectChanged or SourceRefuses, before the first piece.
    """
    with _as_source(bucket, known.key):
        try:
            with contextlib.closing(_same(_client().get_object, bucket, known)["Body"]) as body:
                yield from body.iter_chunks(chunk)
        except (ClientError, BotoCoreError) as error:
            raise _translated(error, known.key) from error


def look_at_same(bucket: str, known: Foreign) -> None:
    """Raises as `stream_same`, without reading the content."""
    with _as_source(bucket, known.key):
        try:
            _same(_client().head_object, bucket, known)
        except (ClientError, BotoCoreError) as error:
            raise _translated(error, known.key) from error


def _same(ask: Callable[..., dict], bucket: str, known: Foreign) -> dict:
    asked = {"Bucket": bucket, "Key": known.key, "IfMatch": f'"{known.etag}"'}
    try:
        answer = ask(**asked, VersionId=known.version) if known.version else ask(**asked)
    except ClientError:
        if not known.version:
            raise
        answer = ask(**asked)  # old versions expire or are a right of their own; the ETag says whether this is the same
    if (answer.get("ETag", "").strip('"'), answer["ContentLength"]) != (known.etag, known.size):
        if "Body" in answer:
            answer["Body"].close()
        raise ObjectChanged(f"“{known.key}” is another object by now.")  # of a server that knows no If-Match
    return answer


@contextlib.contextmanager
def _as_source(bucket: str, name: str) -> Iterator[None]:
    try:
        yield
    except StoreAway as error:
        cause = error.__cause__
        code = cause.response.get("Error", {}).get("Code") if isinstance(cause, ClientError) else ""
        if code.startswith("KMS."):
            raise SourceRefuses(f"“{name}” is encrypted with a key that the object store cannot use.") from error
        if code in _REFUSALS:
            raise SourceRefuses(_REFUSALS[code].format(bucket=bucket, name=name)) from error
        raise


def ensure_bucket() -> None:
    try:
        _client().head_bucket(Bucket=settings.S3_BUCKET)
    except ClientError:
        _client().create_bucket(Bucket=settings.S3_BUCKET)


def project_prefix(project_id: int) -> str:
    """What the keys of all objects of a project begin with."""
    return f"projects/{project_id}/"


def originals_folder(project_id: int) -> str:
    return f"projects/{project_id}/originals/"


def original_key(project_id: int, sha256: str) -> str:
    return f"{originals_folder(project_id)}{sha256[:2]}/{sha256}"


def picture_key(project_id: int, sha256: str, size: str) -> str:
    return f"projects/{project_id}/pictures/{sha256[:2]}/{sha256}/{size}.jpg"


def staged_key(project_id: int, uid: UUID) -> str:
    """Of an archive or clip that waits for a worker to take its photos in."""
    return f"projects/{project_id}/staged/{uid}"


def crop_key(project_id: int, sha256: str, box_key: str) -> str:
    return f"projects/{project_id}/crops/{sha256[:2]}/{sha256}/{box_key}.jpg"
