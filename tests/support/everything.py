"""A row in every table, for the tests of migrations and of whole databases. A new table adds its row here."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session
from support.cast import NOW, Cast, Player

from courses.adjustments.models import Adjustment
from courses.admission.models import CourseAdmission
from courses.catalogue.models import (
    Course,
    CourseEdition,
    CoursePrerequisite,
    CourseTeacher,
    EnrolmentRound,
    MeetingPattern,
    Offering,
    OfferingDate,
    SeatPool,
)
from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.flows.models import FigureFreeze, FrozenFigure, FrozenValue
from courses.grades.models import GradeCorrection, GradeEntry, GradeScheme, GradeSheet
from courses.lottery.models import Draw, DrawLot, DrawStatement, Wish, WishList
from courses.minimum.models import LostSeat
from courses.plans.models import TermPlan
from courses.recognition.models import Recognition, RecognitionRequest
from courses.results.models import Result
from courses.rosters.models import AttendanceMark, AttendanceSheet, LeaveRequest
from zutuan.calendar.models import (
    BusyPeriod,
    CalendarEdition,
    CalendarFeed,
    Occurrence,
    Place,
    SpecialDay,
    TermStart,
    TimetableEntry,
    TimetableStudent,
)  # fmt: skip
from zutuan.clusters.models import FormerName
from zutuan.exports.models import ExportFormat
from zutuan.imports.models import ImportBatch, ImportLine
from zutuan.jobs import OutboxMessage
from zutuan.notices.models import GroupChat, Notice, NoticeChoice
from zutuan.papers.models import Paper, PaperSubject
from zutuan.people.models import AccessKey, Proposal, SignInFailure
from zutuan.people.signing_in import open_session
from zutuan.policies.models import PolicyValue
from zutuan.sharing import scopes
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import add_share, audit
from zutuan.storage.models import StoredFile, Upload, UploadPart
from zutuan.web.models import IdempotencyKey

LATER = NOW + timedelta(hours=1)


def one_of_each(session: Session, cast: Cast) -> None:
    """What the cast leaves empty."""
    student, teacher = cast.who("B", "student"), cast.who("A", "teacher")
    course = _course(session, cast, teacher.id)
    offering = Offering(
        course_id=course.id, term_id=cast.terms["A"], code="01", state="published", enrol_from=NOW,
        enrol_until=LATER, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    offering.meetings.append(MeetingPattern(weekday=3, first_period=1, last_period=2, weeks="1-16"))
    pool = SeatPool(capacity=2, wanted=2, taken=1)
    offering.pools.append(pool)
    offering.rounds.append(EnrolmentRound(kind="main", opens=NOW, closes=LATER))
    course.requires.append(CoursePrerequisite(required_id=_course(session, cast, teacher.id, "T2").id))
    offering.dates.append(OfferingDate(kind="exam", starts=NOW, ends=LATER, place="考场一"))
    session.add(CourseEdition(course_id=course.id, number=1, at=NOW, person_id=teacher.id, content={}))
    session.add(offering)
    session.flush()
    counts_as = Recognition(
        home_school_id=cast.schools["B"], course_id=course.id, outcome="counts", name="教育心理学", credits=Decimal(2),
        since=NOW, decided_by=cast.who("B", "registrar").id, created_at=NOW,
    )  # fmt: skip
    session.add(counts_as)
    session.flush()
    enrolment = Enrolment(
        offering_id=offering.id, pool_id=pool.id, person_id=student.id, affiliation_id=student.affiliation_id,
        home_school_id=cast.schools["B"], host_school_id=cast.schools["A"], home_state="pending",
        host_state="accepted", recognition_id=counts_as.id, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    enrolment.events.append(EnrolmentEvent(at=NOW, event="enrol", actor_id=student.id))
    session.add_all(
        [
            enrolment,
            RecognitionRequest(
                home_school_id=cast.schools["B"], course_id=course.id, person_id=student.id,
                affiliation_id=student.affiliation_id, state="answered", answer_id=counts_as.id,
                answered_by=cast.who("B", "registrar").id, answered_at=NOW, created_at=NOW,
            ),
            Adjustment(
                offering_id=offering.id, kind="substitute", state="asked", week=13, weekday=3, period=1,
                substitute_id=cast.who("A", "registrar").id, reason="出差", asked_by=teacher.id, asked_at=NOW,
            ),
            TermPlan(
                cluster_id=cast.clusters["A"], academic_year="2026-2027", number=2, main_from=NOW, main_until=LATER,
                teaching_starts=date(2027, 3, 1), grades_due=date(2027, 7, 1), created_at=NOW, updated_at=NOW,
            ),
            CourseAdmission(
                school_id=cast.schools["B"], course_id=course.id, academic_year="2026-2027", number=1, admitted=True,
                decided_by=student.id, decided_at=NOW,
            ),
            Occurrence(
                resource_type="offering", resource_id=offering.id, starts=NOW, ends=LATER, source_type="offering",
                source_id=offering.id, week=12,
            ),
            NoticeChoice(person_id=student.id, kind="other", bell=True, mail="off"),
            GroupChat(school_id=cast.schools["A"], address="https://qyapi.weixin.qq.com/x", kinds=[], changed_at=NOW),
            PolicyValue(key="notices.digest_hour", school_id=cast.schools["A"], value=7, from_=LATER, decided_at=NOW),
            paper := Paper(
                number="ZT2026-00000-00000-00000", kind="test", person_id=student.id, school_id=cast.schools["B"],
                subject_type="enrolment", subject_id=1, content={}, digest="", issued_at=NOW,
            ),
            TermStart(term_id=cast.terms["A"], grade="2026", first_day=date(2026, 9, 21), weeks=16),
            SpecialDay(day=date(2026, 10, 1), kind="holiday", name="国庆节"),
            CalendarEdition(place=0, number=1),
            Place(school_id=cast.schools["B"], kind="room", name="教学楼101"),
            TimetableEntry(
                school_id=cast.schools["B"], term_id=cast.terms["B"], course="心理学", times="星期一第1-2节{1-16周}",
                students=[TimetableStudent(number=student.number)],
            ),
            BusyPeriod(
                person_id=student.id, title="家教", from_day=date(2026, 11, 28), until_day=date(2026, 12, 26), weekday=6,
                starts=540, ends=660,
            ),
            CalendarFeed(person_id=student.id, secret_hash="0" * 64, created_at=NOW),
            Notice(person_id=student.id, kind="test", dedupe_key="test", created_at=NOW),
            OutboxMessage(topic="test", key="test", payload={}, created_at=NOW, available_at=NOW),
            IdempotencyKey(actor_id=student.id, route="/", key="k", body_hash="h", created_at=NOW),
            batch := ImportBatch(
                kind="people", school_id=cast.schools["B"], person_id=student.id, file_name="名单.xlsx", sha256="0" * 64,
                content=b"x", created_at=NOW, changed_at=NOW,
            ),
            Proposal(person_id=student.id, school_id=cast.schools["A"], number="P1", values={}, proposed_at=NOW),
            AccessKey(
                person_id=student.id, purpose="activate", channel="slip", secret_hash="0" * 64, created_at=NOW,
                expires_at=LATER,
            ),
            FormerName(school_id=cast.schools["B"], name="甲参与师范学院", until=date(2020, 3, 1)),
            SignInFailure(account_key="k", address="127.0.0.1", failures=1, last_at=NOW),
        ]
    )  # fmt: skip
    session.flush()
    session.add(
        Result(
            enrolment_id=enrolment.id, person_id=student.id, home_school_id=cast.schools["B"], state="waiting", created_at=NOW,
            updated_at=NOW,
            original={"scale": "percent", "grade": "86", "mark": "", "attempt": "first", "credits": "2.5"},
        )
    )  # fmt: skip
    session.add(PaperSubject(paper_id=paper.id, subject_type="result", subject_id=1))
    _draw(session, cast, offering.id, enrolment.id)
    session.add(_lost_seat(session, cast, course.id, student, pool))
    session.add(ImportLine(batch_id=batch.id, line=2, outcome="bad", label="1 甲"))
    _attendance(session, cast, enrolment)
    _files(session, course.id, student.id)
    _grades(session, offering.id, enrolment.id, teacher.id)
    _frozen(session, cast, enrolment.id)
    open_session(session, student.id, NOW)
    audit(session, None, "test.everything", Subject(), now=NOW)


def _grades(session: Session, offering_id: int, enrolment_id: int, teacher_id: int) -> None:
    session.add(GradeScheme(offering_id=offering_id, scale="percent", parts=[{"name": "期末", "weight": 100}]))
    sheet = GradeSheet(offering_id=offering_id, attempt="first", state="open", created_at=NOW, updated_at=NOW)
    session.add(sheet)
    session.flush()
    entry = GradeEntry(
        sheet_id=sheet.id, enrolment_id=enrolment_id, parts={"期末": "85"}, scale="percent", grade="85",
        entered_by=teacher_id, entered_at=NOW,
    )  # fmt: skip
    session.add(entry)
    session.flush()
    kept = {"parts": {"期末": "85"}, "scale": "percent", "grade": "85", "mark": ""}
    session.add(
        GradeCorrection(
            entry_id=entry.id,
            before=kept,
            after=kept,
            reason="漏登",
            state="withdrawn",
            asked_by=teacher_id,
            asked_at=NOW,
        )
    )


def _draw(session: Session, cast: Cast, offering_id: int, enrolment_id: int) -> None:
    """A draw of cluster A with one wish, won, and its statement."""
    student = cast.who("B", "student")
    draw = Draw(
        cluster_id=cast.clusters["A"], academic_year="2026-2027", number=1, state="drawn", opens=NOW, closes=LATER, most=1,
        seed="s", commitment="c", published_at=NOW, drawn_at=LATER, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    session.add(draw)
    session.flush()
    listed = WishList(
        draw_id=draw.id, person_id=student.id, affiliation_id=student.affiliation_id, most=1, ticket="a1",
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    listed.wishes.append(Wish(offering_id=offering_id, rank=1, outcome="won", enrolment_id=enrolment_id))
    statement = DrawStatement(draw_id=draw.id, content={}, created_at=NOW)
    session.add_all([listed, statement, DrawLot(draw_id=draw.id, offering_id=offering_id)])


def _attendance(session: Session, cast: Cast, enrolment: Enrolment) -> None:
    sheet = AttendanceSheet(
        offering_id=enrolment.offering_id, source_type="offering", source_id=enrolment.offering_id, week=12, weekday=3,
        period=1, starts=NOW, ends=LATER,
    )  # fmt: skip
    session.add(sheet)
    session.flush()
    ids = {"sheet_id": sheet.id, "enrolment_id": enrolment.id, "person_id": enrolment.person_id}
    session.add(AttendanceMark(**ids, status="leave", source="leave", at=NOW))
    session.add(LeaveRequest(**ids, reason="发烧", asked_at=NOW))
    column = {"column": "number", "head": "学号", "value": ""}
    session.add(
        ExportFormat(
            school_id=cast.schools["A"], kind="roster", name="教务系统", file_type="xlsx", columns=[column], created_at=NOW,
            updated_at=NOW,
        )
    )  # fmt: skip


def _frozen(session: Session, cast: Cast, enrolment_id: int) -> None:
    """A figure that was frozen, with the row that it counted."""
    freeze = FigureFreeze(
        cluster_id=cast.clusters["A"], cluster_name="甲组团", academic_year="2026-2027", number=1, name="期中上报",
        made_by=cast.who("A", "cluster_admin").id, frozen_at=NOW,
    )  # fmt: skip
    session.add(freeze)
    session.flush()
    words = {f"{name}_{locale}": name for name in ("title", "unit", "definition") for locale in ("zh", "en")}
    session.add(FrozenFigure(freeze_id=freeze.id, figure="requests", plan_code="2.2.2", **words))
    session.add(
        FrozenValue(
            freeze_id=freeze.id, figure="requests", home_id=cast.schools["B"], home_name="甲参与师范大学",
            host_id=cast.schools["A"], host_name="甲牵头师范大学", value=Decimal(1), rows=[enrolment_id],
        )
    )  # fmt: skip


def _lost_seat(session: Session, cast: Cast, course_id: int, student: Player, pool: SeatPool) -> LostSeat:
    """Of a class that was called off."""
    offering = Offering(
        course_id=course_id, term_id=cast.terms["A"], code="02", state="cancelled", enrol_from=NOW, enrol_until=LATER,
        minimum=9, decided_at=NOW, decided_by=cast.who("A", "registrar").id, rescue_until=LATER, created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip
    session.add(offering)
    session.flush()
    ended = Enrolment(
        offering_id=offering.id, pool_id=pool.id, person_id=student.id, affiliation_id=student.affiliation_id,
        home_school_id=cast.schools["B"], host_school_id=cast.schools["A"], home_state="accepted",
        host_state="denied", created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    session.add(ended)
    session.flush()
    return LostSeat(enrolment_id=ended.id, offering_id=offering.id)


def _course(session: Session, cast: Cast, teacher_id: int, code: str = "EDU001") -> Course:
    owner = cast.schools["A"]
    item = SharedItem(
        kind="course", owner_school_id=owner, title_zh="教育心理学", state="published", created_at=NOW, updated_at=NOW
    )
    session.add(item)
    session.flush()
    for scope in (scopes.manage(owner), scopes.school(owner), scopes.cluster(cast.clusters["A"])):
        add_share(session, item.id, scope, NOW)
    course = Course(
        id=item.id, school_id=owner, code=code, credits=Decimal("2.5"), hours=40, category="teacher_education",
        level="bachelor", delivery="live_online",
    )  # fmt: skip
    course.staff.append(CourseTeacher(person_id=teacher_id))
    session.add(course)
    session.flush()
    return course


def _files(session: Session, item_id: int, person_id: int) -> None:
    """A file of the course, and an upload that is under way."""
    file = StoredFile(
        name="讲义.pdf", media_type="application/pdf", purpose="document", size=4, sha256="0" * 64,
        key=f"files/00/{'0' * 30}", item_id=item_id, aspect="files", uploaded_by=person_id, created_at=NOW,
    )  # fmt: skip
    upload = Upload(
        person_id=person_id, name="讲义.pdf", purpose="document", length=8, offset_=4, created_at=NOW,
        expires_at=LATER,
    )  # fmt: skip
    session.add_all([file, upload])
    session.flush()
    session.add(UploadPart(upload_id=upload.id, start=0, size=4, key=f"parts/00/{'0' * 30}"))
