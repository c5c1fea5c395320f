"""Admission, as the kernel registers it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from courses.admission import errors as errors
from courses.admission import policies
from courses.admission.api import admissions_api
from courses.admission.pages import blueprint
from courses.admission.permissions import allow
from zutuan.clusters.hooks import SuccessionHook
from zutuan.feature import Feature, NavEntry
from zutuan.sharing.actor import Actor


def _reads(actor: Actor) -> bool:
    return bool(allow.schools(actor, "admission.read"))


FEATURE = Feature(
    name="admission",
    pages=(blueprint,),
    api=(admissions_api,),
    permissions=allow,
    nav=(NavEntry("admission.admissions", _l("可选课程"), "list-check", shown=_reads, order=27, more_only=True),),
    policies=(policies.ADMISSION,),
    # what a school has decided for a term stays its decision
    succession=SuccessionHook(stays={"course_admission.school_id"}),
)
