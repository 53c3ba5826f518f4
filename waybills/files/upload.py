"""Where an uploaded file goes while it comes in: into memory, never in plain onto a disk."""

from typing import Any

from django.core.files.uploadhandler import MemoryFileUploadHandler

from waybills.files.jobs import may_import
from waybills.files.refusals import LARGEST_FILE

_AROUND = 64 * 1024
"""Bytes of a form around its file."""


class ImportUploadHandler(MemoryFileUploadHandler):
    """Takes a file from whoever may import, up to LARGEST_FILE; any other file is dropped as it comes."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 - Django's name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        """Decide by the form's announced size and by who sends it."""
        user = getattr(self.request, "user", None)
        self.activated = user is not None and content_length <= LARGEST_FILE + _AROUND and may_import(user)
