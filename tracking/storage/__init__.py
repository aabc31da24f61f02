"""
Where videos, annotations and pictures are kept: folders and buckets behind one small interface.

`Root` is the port, `Folder` and `Bucket` are its two kinds; `names` says what is kept under which name, `access` which other
buckets may be read.
"""

from __future__ import annotations

import re
from pathlib import Path

from tracking.errors import OptionError
from tracking.storage.base import Root, Storage, StoredObject
from tracking.storage.bucket import Bucket, GoogleStorage
from tracking.storage.folder import Folder
from tracking.storage.names import ObjectUri, is_bucket_name

__all__ = ["Bucket", "Folder", "GoogleStorage", "ObjectUri", "Root", "Storage", "StoredObject", "open_root"]


def open_root(setting: str, *, google: GoogleStorage, option: str) -> Root:
    """
    The root that a setting names: `gs://bucket`, a bucket's bare name, or a folder, which is anything with a `/` in it.

    `option` is the setting's name, for the `OptionError` about what is neither.
    """
    name = re.sub(r"^gs://([^/]*)/?$", r"\1", setting)
    if is_bucket_name(name):
        return google.bucket(name)
    path = Path(setting).expanduser()
    if setting.startswith("gs:") or ("/" not in setting and not path.is_absolute()):
        raise OptionError(option, setting, "gs://bucket, a folder with a / in it")
    if not path.resolve().name:
        raise OptionError(option, setting, "a folder below the topmost")
    return Folder(path)
