"""Which store an address means."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.folder import Folder
from storage.objects import Objects


def objects_at(url: str) -> Objects:
    """`file:///absolute/folder` or `s3://bucket/prefix`. Raises `ValueError` for any other address."""
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.strip("/"):
        return Folder(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from storage.bucket import bucket_at  # its library is large, and a folder needs none

        return bucket_at(parts.netloc, parts.path.strip("/") or None)
    raise ValueError("must be file:///FOLDER or s3://BUCKET/PREFIX")
