"""The field that tells the model server who asked for a retrain, for the lineage of the new version."""

from collections.abc import Mapping
from urllib.parse import quote

REQUESTED_BY = "X-Requested-By"  # percent-encoded UTF-8


def with_requester(fields: Mapping[str, str], requested_by: str) -> dict[str, str]:
    """Adds the field. One that the caller sent is removed: it could name somebody else."""
    kept = {name: value for name, value in fields.items() if name.lower() != REQUESTED_BY.lower()}
    return kept | ({REQUESTED_BY: quote(requested_by)} if requested_by else {})
