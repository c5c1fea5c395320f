"""Grades when persons merge, leave a school or are forgotten. They follow their enrolments; who wrote them is history."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, CourseTeacher, Offering
from courses.enrolment.models import Enrolment
from courses.grades.models import GradeCorrection, GradeEntry, GradeSheet
from zutuan.people.hooks import Holding, PeopleHook
from zutuan.sharing.models import SharedItem
from zutuan.web.texts import title


def _holdings(session: Session, person_id: int, school_id: int, now: datetime) -> list[Holding]:
    """Sheets that wait for this teacher."""
    query = (
        sa.select(SharedItem, GradeSheet.id).join(Course, Course.id == SharedItem.id)
        .join(Offering, Offering.course_id == Course.id).join(GradeSheet, GradeSheet.offering_id == Offering.id)
        .join(CourseTeacher, CourseTeacher.course_id == Course.id)
        .where(CourseTeacher.person_id == person_id, Course.school_id == school_id, GradeSheet.state == "open")
    )  # fmt: skip
    rows = session.execute(query.order_by(GradeSheet.id))
    return [Holding(_("未提交的成绩单"), title(item), f"/grade-sheets/{id_}") for item, id_ in rows]


def _strip(session: Session, person_id: int, now: datetime) -> None:
    """The words that were written about them go; what they got stays, of nobody any more."""
    entries = sa.select(GradeEntry.id).join(Enrolment, Enrolment.id == GradeEntry.enrolment_id)
    mine = entries.where(Enrolment.person_id == person_id).scalar_subquery()
    quiet = {"synchronize_session": False}
    remarks = sa.update(GradeEntry).where(GradeEntry.id.in_(mine)).values(remark="")
    session.execute(remarks.execution_options(**quiet))
    words = sa.update(GradeCorrection).where(GradeCorrection.entry_id.in_(mine)).values(reason="", decision="")
    session.execute(words.execution_options(**quiet))


PEOPLE = PeopleHook(
    {
        "grade_entry.entered_by": _l("录入的成绩"), "grade_sheet.submitted_by": _l("提交的成绩单"),
        "grade_sheet.confirmed_by": _l("确认的成绩单"), "grade_correction.asked_by": _l("申请的成绩更正"),
        "grade_correction.decided_by": _l("审核的成绩更正"),
    }, holdings=_holdings, strip=_strip,
)  # fmt: skip
