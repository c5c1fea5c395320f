"""The calendar, as the kernel registers it."""

from flask_babel import lazy_gettext as _l

from zutuan.calendar import errors as errors
from zutuan.calendar import feed_pages as feed_pages
from zutuan.calendar import import_pages as import_pages
from zutuan.calendar import merging, notices, timetables
from zutuan.calendar.api import api
from zutuan.calendar.demo import load
from zutuan.calendar.pages import blueprint
from zutuan.calendar.permissions import allow
from zutuan.clusters.hooks import SuccessionHook
from zutuan.feature import Feature, NavEntry

FEATURE = Feature(
    name="calendar",
    pages=(blueprint,),
    api=(api,),
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
    nav=(NavEntry("calendar.home", _l("校历"), "calendar-week", group="organisation", order=75, more_only=True),),
    notices=notices.TEXTS,
    demo=load,
    demo_order=20,
    calendar=(timetables.HOOK, timetables.PERSONAL),
    people=merging.HOOK,
)
