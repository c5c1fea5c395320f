"""Content on any S3 server: signature version 4, checksums only where the operation demands them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from zutuan.config import S3Config
from zutuan.storage.backends import CHUNK, Content, Entry, Measure, Missing, Shown, StorageDown, checked

PART = 8 * 1024 * 1024
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
# No threads: parts of one upload then never lie in memory side by side.
_TRANSFER = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, use_threads=False)


class _Reader:
    """Chunks as the file that boto3 wants to read from."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), b""

    def read(self, size: int = -1) -> bytes:
        parts, got = [self._rest], len(self._rest)
        while size < 0 or got < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            parts.append(chunk)
            got += len(chunk)
        data = b"".join(parts)
        cut = len(data) if size < 0 else size
        self._rest = data[cut:]
        return data[:cut]


@contextmanager
def _down() -> Iterator[None]:
    """What the server or the way to it cannot do is `StorageDown`; a key that is not there, `Missing`."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _ABSENT:
            raise Missing from error
        raise StorageDown from error
    except BotoCoreError as error:
        raise StorageDown from error


class S3:
    """Content in one bucket. Browsers fetch it there, by addresses that we sign for minutes."""

    def __init__(self, config: S3Config) -> None:
        self.bucket = config.bucket
        self._client = _client(config, config.endpoint)
        self._public = _client(config, config.public) if config.public else self._client
        self._impatient = _client(config, config.endpoint, connect_timeout=1, read_timeout=2, attempts=1)

    def put(self, key: str, chunks: Iterable[bytes]) -> Content:
        measured = Measure(chunks)
        with _down():
            self._client.upload_fileobj(_Reader(measured), self.bucket, checked(key), Config=_TRANSFER)
        return measured.content(key)

    def open(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        if length == 0:
            return iter(())
        last = "" if length is None else str(offset + length - 1)
        ranged = {"Range": f"bytes={offset}-{last}"} if offset or length is not None else {}
        with _down():
            body = self._client.get_object(Bucket=self.bucket, Key=checked(key), **ranged)["Body"]
        return _read(body)

    def size(self, key: str) -> int | None:
        try:
            with _down():
                found: int = self._client.head_object(Bucket=self.bucket, Key=checked(key))["ContentLength"]
                return found
        except Missing:
            return None

    def delete(self, key: str) -> None:
        with _down():
            self._client.delete_object(Bucket=self.bucket, Key=checked(key))

    def list(self, after: str = "", limit: int = 1000) -> list[Entry]:
        with _down():
            answer = self._client.list_objects_v2(Bucket=self.bucket, StartAfter=after, MaxKeys=min(limit, 1000))
        return [Entry(each["Key"], each["Size"], each["LastModified"]) for each in answer.get("Contents", ())]

    def tidy(self, before: datetime) -> int:
        with _down():
            started = self._client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ())
            stale = [each for each in started if each["Initiated"] < before]
            for each in stale:
                self._client.abort_multipart_upload(Bucket=self.bucket, Key=each["Key"], UploadId=each["UploadId"])
        return len(stale)

    def address(self, key: str, shown: Shown, seconds: int) -> str | None:
        wanted = {
            "Bucket": self.bucket, "Key": checked(key), "ResponseContentType": shown.media_type,
            "ResponseContentDisposition": shown.disposition, "ResponseCacheControl": "private, no-store",
        }  # fmt: skip
        address: str = self._public.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)
        return address

    def reachable(self) -> bool:
        try:
            self._impatient.head_bucket(Bucket=self.bucket)
        except (ClientError, BotoCoreError):
            return False
        return True


def _read(body: Any) -> Iterator[bytes]:
    with _down():
        try:
            yield from body.iter_chunks(CHUNK)
        finally:
            body.close()


def _client(
    config: S3Config, endpoint: str, connect_timeout: int = 5, read_timeout: int = 60, attempts: int = 3
) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint or None,
        aws_access_key_id=config.key,
        aws_secret_access_key=config.secret,
        region_name=config.region,
        config=ClientConfig(
            signature_version="s3v4",
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            s3={"addressing_style": "path"} if endpoint else {},
        ),
    )
