"""The access rule, as one pure function. `services.seen_by` says the same in SQL; a property test holds them together.

An aspect is visible when its state allows it and some share is open now, is among the viewer's scopes, and,
if it is a cluster's, owner and viewer are both members now (design 3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from zutuan.decision import Refusal
from zutuan.sharing import scopes

RECORD = "record"


@dataclass(frozen=True)
class Shared:
    """One share of an item, as the rule sees it."""

    aspect: str
    scope: str
    from_: datetime
    until: datetime | None = None

    def open_at(self, now: datetime) -> bool:
        return self.from_ <= now and (self.until is None or self.until > now)


def seen_through(
    state: str,
    shares: Iterable[Shared],
    owner_clusters: Collection[int],
    viewer_scopes: Collection[str],
    now: datetime,
    aspect: str = RECORD,
) -> list[Shared]:
    """The shares through which the viewer sees that aspect now; none means: it does not exist for them.

    `owner_clusters` are the clusters of which the owner school is a member now; the viewer's own membership
    is already in `viewer_scopes`.
    """
    return [
        share
        for share in shares
        if share.aspect == aspect
        and share.open_at(now)
        and share.scope in viewer_scopes
        and (state == "published" or scopes.is_private(share.scope))
        and ((cluster := scopes.cluster_of(share.scope)) is None or cluster in owner_clusters)
    ]


# state × event → state. Nothing is hard-deleted.
LIFE: dict[tuple[str, str], str] = {
    ("draft", "publish"): "published",
    ("draft", "archive"): "archived",
    ("published", "suspend"): "suspended",
    ("published", "archive"): "archived",
    ("suspended", "publish"): "published",
    ("suspended", "archive"): "archived",
}
EVENTS = ("publish", "suspend", "archive")


def next_state(state: str, event: str) -> str | Refusal:
    """Where an event leads, or why it leads nowhere."""
    return LIFE.get((state, event)) or Refusal("wrong_state", {"state": state, "event": event})


def may_share_with(scope: str, owner_school: int, owner_clusters: Collection[int]) -> Refusal | None:
    """Sharing *into* a cluster needs current membership of it; other scopes of an audience are always open."""
    cluster = scopes.cluster_of(scope)
    if cluster is not None and cluster not in owner_clusters:
        return Refusal("not_a_member", {"cluster": cluster})
    if cluster is None and scope not in (scopes.PLATFORM, scopes.school(owner_school)):
        return Refusal("not_an_audience", {"scope": scope})
    return None


# --- order by name ----------------------------------------------------------------------------------------------

_SORTED = 60  # characters of a title that decide its place
TITLE_KEY = _SORTED * 8


def title_key(title: str) -> str:
    """What sorts titles by pinyin on every engine: their bytes in GB 18030, whose 3755 common characters are in pinyin's
    order; rarer ones follow them, by radical. Latin letters come first, capital or not."""
    return title[:_SORTED].casefold()[:_SORTED].encode("gb18030", "replace").hex()
