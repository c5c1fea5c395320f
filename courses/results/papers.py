"""Papers made of results: 学分认定表 for the files of the home school, 跨校修读成绩单 for whoever asks the student for it.

Both arrive filled in, show what their QR code's page shows, and are taken back when a result on them changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from courses.results import labels, policies, queries, rules
from courses.results.models import Result
from courses.results.permissions import allow
from courses.results.services import about
from zutuan.errors import Denial, Forbidden, Refused
from zutuan.papers.models import Paper
from zutuan.papers.services import AT_ONCE, Draft, bundle, issue
from zutuan.people.models import Affiliation
from zutuan.policies import services as policy_values
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject

FORM, TRANSCRIPT = "result.form", "result.transcript"
LANGUAGES = ("zh", "en")


def of(place: Affiliation) -> Subject:
    """What papers of a student at a home school speak of."""
    return Subject("affiliation", place.id)


# --- 学分认定表 ------------------------------------------------------------------------------------------------


def forms(session: Session, actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """The form of each student whose recognised results these are: one paper for each student."""
    if not ids:
        raise Refused("nothing_chosen")
    found = queries.locked(session, actor, sorted(set(ids)), "result.form")
    students: dict[int, list[Result]] = {}
    for each in found:
        if each.state == rules.RECOGNISED:
            students.setdefault(each.enrolment.affiliation_id, []).append(each)
    if not students:
        raise Refused("nothing_recognised")
    if len(students) > AT_ONCE:
        raise Refused("too_many_papers", max=AT_ONCE)
    return [_form(session, actor, results) for results in students.values()]


def form_of_student(session: Session, actor: Actor, affiliation_id: int) -> Paper:
    """The form of all of one student's recognised results."""
    place = queries.student(session, actor, affiliation_id)
    allow.require(actor, "result.form", queries.student_subject(place))
    recognised = _recognised(session, place)
    return forms(session, actor, [each.id for each in recognised])[0] if recognised else _nothing()


def _nothing() -> Paper:
    raise Refused("nothing_recognised")


def _recognised(session: Session, place: Affiliation) -> list[Result]:
    return [each for each in queries.of_student(session, [place.id]) if each.state == rules.RECOGNISED]


def _form(session: Session, actor: Actor, results: list[Result]) -> Paper:
    place = results[0].enrolment.affiliation
    with force_locale("zh"):
        content = _form_content(place, results)
    return _issue(session, actor, FORM, place, content, results)


def _issue(
    session: Session, actor: Actor, kind: str, place: Affiliation, content: dict[str, Any], results: Sequence[Result]
) -> Paper:  # fmt: skip
    """A newer form takes the place of the older ones whose courses it shows as well; a transcript is of its day."""
    shows = tuple(about(each) for each in results)
    with force_locale("zh"):
        replaces = _("已由新的学分认定表代替。") if kind == FORM else ""
    return issue(session, actor, Draft(kind, place.person_id, place.school_id, of(place), content, shows, replaces))


def _form_content(place: Affiliation, results: list[Result]) -> dict[str, Any]:
    rows = [labels.row(each) for each in results]
    terms = _("、").join(dict.fromkeys(row.term for row in rows))
    table = {
        "heads": [
            _("开课学校"), _("修读课程"), _("学分"), _("成绩"), _("认定为本校课程"), _("课程类别"), _("认定学分"), _("认定成绩"), _("绩点"),
        ],
        "rows": [
            [r.host, f"{r.code} {r.title}", r.credits, _attempted(r), r.counts_as, r.category, r.earned, r.recognised, r.points]
            for r in rows
        ],
        "widths": [38, 50, 14, 25, 48, 23, 18, 21, 16], "numbers": [2, 6, 8],
    }  # fmt: skip
    return {
        "title": _("学分认定表"), "text": "", "school": place.school.name, "orientation": "landscape",
        "facts": [*student_facts(place), [_("修读学期"), terms]], "private": [_("学工号")], "tables": [table], "after": _sums(results),
        "signatures": [_("学生（签字）"), _("学院（盖章）"), _("教务处（盖章）")],
    }  # fmt: skip


def _attempted(row: labels.Row) -> str:
    """A 补考 or 重修 is said beside its grade."""
    usual = str(labels.ATTEMPT["first"])
    return (
        row.grade if row.attempt in ("", usual) else _("%(grade)s（%(attempt)s）", grade=row.grade, attempt=row.attempt)
    )


def student_facts(place: Affiliation) -> list[list[str]]:
    """Whose paper it is: whole, as the files of an office need it; the public page masks what is `private`."""
    facts = [
        [_("姓名"), place.person.name], [_("学工号"), place.number], [_("学校"), place.school.name],
        [_("院系"), place.department.name if place.department else ""], [_("专业"), place.major], [_("年级"), place.grade],
    ]  # fmt: skip
    return [[label, value] for label, value in facts if value]


def _sums(results: list[Result]) -> str:
    sums = labels.totals(results)
    return _(
        "共 %(n)s 门，认定学分合计 %(credits)s，平均学分绩点 %(average)s。",
        n=sums.courses, credits=labels.number(sums.credits), average=labels.points(sums.average),
    )  # fmt: skip


# --- 跨校修读成绩单 --------------------------------------------------------------------------------------------


def may_issue_transcript(session: Session, actor: Actor, place: Affiliation) -> bool:
    """The home registrar; the student where the school lets them."""
    subject = queries.student_subject(place)
    if allow.may(actor, "result.transcript", subject):
        return True
    key = policies.OWN_TRANSCRIPT.key
    own = allow.may(actor, "result.own_transcript", subject)
    return own and bool(policy_values.value(session, key, place.school_id, actor.now))


def transcript(session: Session, actor: Actor, affiliation_id: int, language: str) -> Paper:
    """Issue the transcript in that language, or answer the one that stands and says the same."""
    place = queries.student(session, actor, affiliation_id)
    if not may_issue_transcript(session, actor, place):
        raise Forbidden(Denial("result.transcript", "affiliation", affiliation_id))
    ids = [each.id for each in _recognised(session, place)]
    results = [each for each in queries.held(session, ids) if each.state == rules.RECOGNISED and each.recorded]
    if not results:
        raise Refused("nothing_recognised")
    with force_locale(language):
        content = _transcript_content(place, results, language)
    return _issue(session, actor, TRANSCRIPT, place, content, results)


def _transcript_content(place: Affiliation, results: list[Result], language: str) -> dict[str, Any]:
    rows = [labels.row(each) for each in results]
    table = {
        "heads": transcript_heads(), "rows": [transcript_row(each) for each in rows],
        "widths": [28, 32, 42, 15, 23, 42, 23, 25, 24, 17], "numbers": [3, 7, 9],
    }  # fmt: skip
    more = {} if language == "zh" else {"language": language}
    return {
        "title": _("跨校修读成绩单"), "text": "", "school": place.school.name, "orientation": "landscape", **more,
        "facts": student_facts(place), "private": [_("学工号")], "tables": [table],
        "after": "\n".join(legend(results, language)),
        "signatures": [_("经办人（签字）"), _("教务处（盖章）")],
    }  # fmt: skip


def legend(results: list[Result], language: str) -> list[str]:
    """What stands with the table: its sums, and how it is to be read."""
    note = _("原成绩由开课学校给出；认定的课程、学分、成绩和绩点按本校规定记载。")
    names = [] if language == "zh" else [_("学校、院系、专业和人名按登记的文字印出。")]
    return [_sums(results), note, *names]


def transcript_heads() -> list[str]:
    return [
        _("学期"), _("开课学校"), _("修读课程"), _("学分"), _("原成绩"), _("认定为"), _("课程类别"), _("认定学分"), _("认定成绩"), _("绩点"),
    ]  # fmt: skip


def transcript_row(row: labels.Row) -> list[str]:
    return [
        row.term, row.host, f"{row.code} {row.title}", row.credits, _attempted(row), row.counts_as, row.category,
        row.earned, row.recognised, row.points,
    ]  # fmt: skip


def issued(session: Session, actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """Papers that were issued together, for the page that offers them; 404 where one may not be seen."""
    return bundle(session, actor, ids)
