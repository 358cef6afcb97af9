"""Admin pages for dispositions: read them, and retry quarantined records."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import BinaryField, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.admin_base import ReadOnly, payload
from common.keyset import walk
from recording import sources
from recording.models import Disposition
from recording.quarantine import try_again
from recording.records import BadRecord, SealableRecord, UnsupportedRecord
from recording.seals import UnknownKey


@admin.register(Disposition)
class DispositionAdmin(ReadOnly):
    """Records without a row: quarantined, erased or repeated."""

    actions = ("try_again",)
    payloads = ("payload",)
    list_display = ("created_at", "kind", "origin", "sequence", "reason")
    fields = ("kind", "origin", "sequence", "reason", "payload_text", "created_at")

    def people(self, rows: Sequence[Disposition], *, is_list: bool) -> list[Any]:
        """The people in a quarantined record, as far as it can be decoded; the list shows none."""
        return [] if is_list else [record for row in rows if (record := _decoded(bytes(row.payload)))]

    def get_fields(self, request: HttpRequest, obj: Disposition | None = None) -> Any:
        """Without the payload, which may be of any doctor, for those who may not see all doctors' records."""
        if request.user.has_perm("accounts.access_all_doctors"):
            return self.fields
        return [name for name in self.fields if name != "payload_text"]

    @admin.display(description="payload")
    def payload_text(self, row: Disposition) -> SafeString:
        """A quarantined record's bytes, as text."""
        return payload(row, "payload", BinaryField())

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        """Whether the user may change dispositions; retrying is the only change that the admin offers."""
        return request.user.has_perm("recording.change_disposition")

    @admin.action(description="Retry quarantined records", permissions=["try_again"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Disposition]) -> None:
        """Retries each record on its own, so one that is refused again does not block the others."""
        quarantined = queryset.filter(kind=Disposition.Kind.QUARANTINED)
        try:
            outcomes = Counter(try_again(each) for each in walk(quarantined.only("pk"), "pk"))
        except UnknownKey as exc:
            self.message_user(request, str(exc), messages.ERROR)
            return
        if outcomes[True]:
            self.message_user(request, f"Left quarantine: {outcomes[True]}.", messages.SUCCESS)
        if outcomes[False] or not outcomes:
            self.message_user(
                request, f"Still in quarantine, each with its reason: {outcomes[False]}.", messages.WARNING
            )


def _decoded(payload: bytes) -> SealableRecord | None:
    try:
        return sources.decoded(payload)[1]
    except (BadRecord, UnsupportedRecord):
        return None
