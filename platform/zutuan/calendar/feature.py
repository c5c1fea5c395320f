"""The calendar, as the kernel registers it."""

from flask_babel import lazy_gettext as _l

from zutuan.calendar import busy, merging, notices, timetables
from zutuan.calendar import day_pages as day_pages
from zutuan.calendar import errors as errors
from zutuan.calendar import feed_pages as feed_pages
from zutuan.calendar import table_pages as table_pages
from zutuan.calendar import term_pages as term_pages
from zutuan.calendar import week_pages as week_pages
from zutuan.calendar.api import api, busy_api
from zutuan.calendar.demo import load
from zutuan.calendar.import_kinds import CALENDAR, TIMETABLE
from zutuan.calendar.pages import blueprint
from zutuan.calendar.permissions import allow
from zutuan.clusters.hooks import SuccessionHook
from zutuan.feature import Feature, NavEntry
from zutuan.sharing.actor import Actor


def _has_time(actor: Actor) -> bool:
    """Who studies or teaches somewhere."""
    return any(each.kind in ("student", "teacher") for each in actor.affiliations)


FEATURE = Feature(
    name="calendar",
    pages=(blueprint,),
    api=(api, busy_api),
    permissions=allow,
    # Where and when something took place stays true; nothing is planned there any more.
    succession=SuccessionHook(
        stays={
            "term.school_id",
            "period_table.school_id",
            "special_day.school_id",
            "calendar_place.school_id",
            "timetable_entry.school_id",
        }
    ),
    public=frozenset({"calendar.ics"}),  # the secret in the address is the key
    nav=(
        NavEntry("calendar.my_timetable", _l("课表"), "calendar-week", shown=_has_time, order=20),
        NavEntry("calendar.home", _l("校历"), "calendar-week", group="organisation", order=75, more_only=True),
    ),
    notices=notices.TEXTS,
    demo=load,
    demo_order=20,
    imports=(CALENDAR, TIMETABLE),
    calendar=(timetables.HOOK, timetables.BY_NUMBER, busy.HOOK),
    people=merging.HOOK,
)
