"""The root that a setting names: a bucket, or a folder that stands for one."""

from __future__ import annotations

import re
from pathlib import Path

from tracking.errors import OptionError
from tracking.storage.base import Root
from tracking.storage.bucket import GoogleStorage
from tracking.storage.folder import Folder
from tracking.storage.names import is_bucket_name


def open_root(setting: str, *, google: GoogleStorage, option: str) -> Root:
    """
    Return the root that a setting names: `gs://bucket`, a bucket's bare name, or a folder, which is anything with a `/` in it.

    `option` is the setting's name, for the `OptionError` about what is neither.
    """
    name = re.sub(r"^gs://([^/]*+)/?$", r"\1", setting)
    if is_bucket_name(name):
        return google.bucket(name)
    path = Path(setting).expanduser()
    if setting.startswith("gs:") or ("/" not in setting and not path.is_absolute()):
        raise OptionError(option, setting, "gs://bucket, a folder with a / in it")
    if not path.resolve().name:
        raise OptionError(option, setting, "a folder below the topmost")
    return Folder(path)
