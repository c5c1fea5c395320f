"""The calendar, as the kernel registers it."""

from flask_babel import lazy_gettext as _l

from zutuan.calendar import busy, notices, timetables
from zutuan.calendar import errors as errors
from zutuan.calendar import feed_pages as feed_pages
from zutuan.calendar.api import api
from zutuan.calendar.demo import load
from zutuan.calendar.import_kinds import CALENDAR, TIMETABLE
from zutuan.calendar.pages import blueprint
from zutuan.calendar.permissions import allow
from zutuan.feature import Feature, NavEntry

FEATURE = Feature(
    name="calendar",
    pages=(blueprint,),
    api=(api,),
    permissions=allow,
    public=frozenset({"calendar.ics"}),  # the secret in the address is the key
    nav=(NavEntry("calendar.home", _l("校历"), "calendar-week", group="organisation", order=75, more_only=True),),
    notices=notices.TEXTS,
    demo=load,
    demo_order=20,
    imports=(CALENDAR, TIMETABLE),
    calendar=(timetables.HOOK, timetables.BY_NUMBER, busy.HOOK),
)
