"""The calendar, as the kernel registers it."""

from zutuan.calendar import errors as errors
from zutuan.calendar import notices, timetables
from zutuan.calendar.api import api
from zutuan.calendar.demo import load
from zutuan.feature import Feature

FEATURE = Feature(
    name="calendar",
    api=(api,),
    notices=notices.TEXTS,
    demo=load,
    demo_order=20,
    calendar=(timetables.HOOK, timetables.PERSONAL),
)
