"""Files that tenants upload: put on disk piece by piece, and complete or to be continued whatever happens.

Start with ``UploadStore`` (what there is) and ``Writing`` (one that is being written); ``UrlSigner`` makes the URLs
that they come by, ``fetch_upload`` gets one from elsewhere. This package knows nothing of what is in a file.
"""

from angarium.uploads.model import (
    NewUpload,
    Upload,
    UploadBusyError,
    UploadError,
    UploadLimits,
    UploadMissingError,
    WrongContentError,
)
from angarium.uploads.store import UploadStore, uploads_directory
from angarium.uploads.writing import Writing

__all__ = [
    "NewUpload",
    "Upload",
    "UploadBusyError",
    "UploadError",
    "UploadLimits",
    "UploadMissingError",
    "UploadStore",
    "Writing",
    "WrongContentError",
    "uploads_directory",
]
