"""The desk's pages of the carrier's side, one noun a file."""

from waybills.admin import (
    act,
    api_token,
    binding,
    carrier_code,
    cell,
    import_job,
    line,
    push,
    push_attempt,
)

__all__ = ["act", "api_token", "binding", "carrier_code", "cell", "import_job", "line", "push", "push_attempt"]
