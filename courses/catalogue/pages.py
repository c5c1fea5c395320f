"""The catalogue, and publishing: course and offering forms."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.catalogue import course_files, editions, forms, hooks, labels, offering_rows, queries, schemas, services
from courses.catalogue.models import OFFERING_STATES, Offering
from courses.catalogue.permissions import allow
from courses.catalogue.rows import rows
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.errors import Invalid, NotFound, Refused, Stale, say
from zutuan.sharing import plan
from zutuan.sharing import services as sharing
from zutuan.sharing.services import fetch
from zutuan.web.forms import load_form, once, refused, refused_at_once
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db, files
from zutuan.web.texts import give_templates

blueprint = Blueprint("catalogue", __name__, template_folder="templates")
give_templates(
    blueprint,
    words=labels.WORDS,
    plan_options=plan.options,
    **{f"{name}_filter": filter_ for name, filter_ in labels.FILTERS.items()},
)

PAGE = 20


@blueprint.get("/courses")
def catalogue() -> ResponseReturnValue:
    query = load_query(schemas.CourseQuery(), PAGE)
    page = queries.find(db(), actor(), query)
    return render_template(
        "catalogue/list.html", listing=Listing.of(page), query=query,
        courses=rows(db(), page.items, pools=queries.my_pools(actor()), meets=queries.meeting(query)),
        counts=hooks.recognised(db(), actor(), page.items), schools=queries.schools_sharing(db(), actor()), studying=queries.my_pools(actor()) is not None,
    )  # fmt: skip


@blueprint.get("/courses/mine")
def mine() -> ResponseReturnValue:
    query = {**load_query(schemas.CourseQuery(), PAGE), "mine": True}
    page = queries.find(db(), actor(), query)
    courses = rows(db(), page.items, OFFERING_STATES)
    return render_template("catalogue/mine.html", listing=Listing.of(page), courses=courses, query=query)


@blueprint.get("/courses/<id:course_id>")
def course(course_id: int) -> ResponseReturnValue:
    return _course_page(course_id)


def _course_page(course_id: int, overall: str = "", cure: Offering | None = None) -> str:
    g.nav_endpoint = "catalogue.catalogue"
    view = queries.view_course(db(), actor(), course_id)
    reach = queries.reach(db(), actor(), view.course)
    found = course_files.of(db(), course_id) if not view.promised else course_files.NONE
    return render_template(
        "catalogue/course.html", view=view, course=view.course, reach=reach, overall=overall, cure=cure, found=found,
        counts=hooks.recognised(db(), actor(), [course_id]).get(course_id), edition=editions.latest(db(), course_id), pools=queries.my_pools(actor()),
        may_copy=view.may_edit and allow.may(actor(), "course.create", queries.subject(view.course)),
    )  # fmt: skip


# --- course forms -----------------------------------------------------------------------------------------------


@blueprint.get("/courses/new")
def new_course() -> ResponseReturnValue:
    """An empty form, or (`copy`) one that says what an own course says."""
    services.require_some_school(actor())
    copied = request.args.get("copy", type=int)
    values = forms.copied_course(_editable(copied).course) if copied else forms.empty_course()
    return _course_form(None, values, {}, "")


@blueprint.post("/courses/new")
def create_course() -> ResponseReturnValue:
    try:
        made = services.create_course(db(), actor(), load_form(schemas.CourseIn()))
    except (Invalid, Refused) as error:
        return refused(error, lambda *wrong: _course_form(None, forms.typed_course(), *wrong))
    flash(_("草稿已保存。接下来添加教学班，再发布。"), "good")
    return redirect(url_for("catalogue.course", course_id=made.id))


@blueprint.post("/courses/new/audience")
def preview_course() -> ResponseReturnValue:
    """The new form as it is typed, with the line of its audience: for who has no JavaScript. Its own address, so that
    the form's key is not used up."""
    services.require_some_school(actor())
    return _course_form(None, forms.typed_course(), {}, "")


@blueprint.get("/courses/audience")
def audience() -> ResponseReturnValue:
    """The line that says whom a chosen audience reaches now, for a form that is being filled."""
    services.require_some_school(actor())
    school_id = forms.school_for(actor(), request.args.get("school_id", type=int))
    reach = sharing.reach(db(), school_id, request.args.getlist("audience"), actor().now)
    return render_template("catalogue/_reach.html", reach=reach)


@blueprint.get("/courses/<id:course_id>/edit")
def edit_course(course_id: int) -> ResponseReturnValue:
    view = _editable(course_id)
    return _course_form(view.course, forms.course_values(view.course), {}, "")


@blueprint.post("/courses/<id:course_id>/edit")
def update_course(course_id: int) -> ResponseReturnValue:
    view = _editable(course_id)
    try:
        forms.check_version(view.course.item.version)
        services.update_course(db(), actor(), view.course, load_form(schemas.CoursePatch(exclude=["audience"])))
    except (Invalid, Refused, Stale) as error:
        return refused(error, lambda *wrong: _course_form(view.course, forms.typed_course(), *wrong))
    flash(_("已保存。"), "good")
    return redirect(url_for("catalogue.course", course_id=course_id))


def _editable(course_id: int) -> queries.CourseView:
    """The course for somebody who may change it: 404 if unseen, 403 if only seen."""
    g.nav_endpoint = "catalogue.mine"
    view = queries.view_course(db(), actor(), course_id, "course.edit")
    allow.require(actor(), "course.edit", queries.subject(view.course))
    return view


def _course_form(course: Any, values: Any, errors: dict[str, list[str]], overall: str) -> str:
    g.nav_endpoint = "catalogue.mine"
    choices = forms.course_choices(db(), actor(), course)
    if course is None:
        school_id = forms.school_for(actor(), _whole(values.get("school_id")))
        choices["audience_options"] = forms.audience_options(db(), actor(), school_id)
        if "audience" not in values:  # meant for the clusters
            values = {**values, "audience": [scope for scope, _label, _note in choices["audience_options"]][:-1]}
        reach = sharing.reach(db(), school_id, values["audience"], actor().now)
    else:
        reach = queries.reach(db(), actor(), course)
    return render_template(
        "catalogue/course_form.html", course=course, values=values, errors=errors, overall=overall, once=once(),
        reach=reach, **choices,
    )  # fmt: skip


def _whole(typed: Any) -> int | None:
    return int(typed) if re.fullmatch(r"[1-9][0-9]{0,17}", str(typed or "")) else None


# --- editions and files -----------------------------------------------------------------------------------------


@blueprint.get("/courses/<id:course_id>/editions")
def course_editions(course_id: int) -> ResponseReturnValue:
    """What the course has said since it was first published."""
    view = queries.view_course(db(), actor(), course_id)
    g.nav_endpoint = "catalogue.catalogue"
    return render_template("catalogue/editions.html", course=view.course, editions=editions.of(db(), course_id))


@blueprint.get("/courses/<id:course_id>/editions/<int:number>")
def course_edition(course_id: int, number: int) -> ResponseReturnValue:
    view = queries.view_course(db(), actor(), course_id)
    g.nav_endpoint = "catalogue.catalogue"
    shown = editions.one(db(), course_id, number)
    names = queries.named(db(), shown.content.get("teacher_ids", []), shown.content.get("requires_ids", []))
    return render_template("catalogue/edition.html", course=view.course, edition=shown, names=names)


@blueprint.get("/courses/<id:course_id>/files")
def course_files_page(course_id: int) -> ResponseReturnValue:
    return _files_page(_editable(course_id).course, {}, "")


def _files_page(course: Any, errors: dict[str, list[str]], overall: str) -> str:
    g.nav_endpoint = "catalogue.mine"
    found = course_files.of(db(), course.id)
    return render_template(
        "catalogue/files.html", course=course, found=found, errors=errors, overall=overall, once=once()
    )


@blueprint.post("/courses/<id:course_id>/files")
def add_file(course_id: int) -> ResponseReturnValue:
    course = _editable(course_id).course
    try:
        course_files.add(db(), files(), actor(), course)
    except (Invalid, Refused) as error:
        return refused(error, lambda *wrong: _files_page(course, *wrong))
    flash(_("已上传。"), "good")
    return redirect(url_for("catalogue.course_files_page", course_id=course_id))


@blueprint.post("/courses/<id:course_id>/files/<id:file_id>/delete")
def delete_file(course_id: int, file_id: int) -> ResponseReturnValue:
    course_files.remove(db(), files(), actor(), _editable(course_id).course, file_id)
    flash(_("已删除。"), "good")
    return redirect(url_for("catalogue.course_files_page", course_id=course_id))


@blueprint.get("/courses/<id:course_id>/cover")
def cover(course_id: int) -> ResponseReturnValue:
    """The cover's bytes, from here: pages show no picture from another address."""
    queries.view_course(db(), actor(), course_id)
    return course_files.picture(db(), files(), course_id)


# --- publishing -------------------------------------------------------------------------------------------------


@blueprint.get("/courses/<id:course_id>/publish")
def publish(course_id: int) -> ResponseReturnValue:
    view = _editable(course_id)
    chosen = request.args.getlist("audience")
    if not chosen:
        chosen = sharing.audience(db(), view.course.item, actor().now)
    if not chosen and view.course.item.published_at is None:  # a first publishing is meant for the clusters
        chosen = [scope for scope, _label, _note in forms.audience_options(db(), actor(), view.course.school_id)][:-1]
    return _publish_form(view.course, chosen, {}, "")


@blueprint.post("/courses/<id:course_id>/publish")
def publish_post(course_id: int) -> ResponseReturnValue:
    view = _editable(course_id)
    chosen = request.form.getlist("audience")
    if "preview" in request.form:
        return redirect(url_for("catalogue.publish", course_id=course_id, audience=chosen or [forms.NOBODY_ELSE]))
    try:
        services.publish_course(db(), actor(), view.course, chosen)
        for offering in view.course.offerings if "offerings" in request.form else ():
            if offering.state == "draft":
                _publish_with(offering)
    except (Invalid, Refused) as error:
        return refused(error, lambda *wrong: _publish_form(view.course, chosen, *wrong))
    flash(_("已发布。"), "good")
    return redirect(url_for("catalogue.as_seen", course_id=course_id))


def _publish_with(offering: Offering) -> None:
    """One of several classes that go out together: what stands against it names it."""
    try:
        services.move_offering(db(), actor(), offering, "publish")
    except Refused as error:
        raise Refused("offering_not_ready", code=offering.code, why=" ".join(say(error.code, error.params))) from error


def _publish_form(course: Any, chosen: list[str], errors: dict[str, list[str]], overall: str) -> str:
    options = forms.audience_options(db(), actor(), course.school_id)
    reach = sharing.reach(db(), course.school_id, chosen, actor().now)
    return render_template(
        "catalogue/publish.html", course=course, options=options, chosen=chosen, reach=reach,
        errors=errors, overall=overall,
        late=forms.too_late(db(), course, {each.term for each in course.offerings if each.state == "draft"}),
    )  # fmt: skip


@blueprint.get("/courses/<id:course_id>/as-seen")
def as_seen(course_id: int) -> ResponseReturnValue:
    """The course as a student of a chosen school sees it, by the same rule that will judge that student."""
    view = _editable(course_id)
    reach = queries.reach(db(), actor(), view.course)
    schools = reach.schools or []
    wanted = request.args.get("school", type=int) or (schools[-1][0] if schools else view.course.school_id)
    school = fetch(db(), School, wanted)
    student = queries.student_of(db(), school, clock.now())
    try:
        seen = queries.view_course(db(), student, course_id)
    except NotFound:
        seen = None
    return render_template(
        "catalogue/as_seen.html",
        course=view.course,
        seen=seen,
        school=school,
        schools=schools,
        now=actor().now,
        pools=queries.my_pools(student),
        courses=rows(db(), [course_id], pools=queries.my_pools(student)),
    )


@blueprint.post("/courses/<id:course_id>/<any(suspend, archive):event>")
def move_course(course_id: int, event: str) -> ResponseReturnValue:
    view = _editable(course_id)
    try:
        services.move_course(db(), actor(), view.course, event)
    except Refused as error:
        return refused_at_once(error, lambda first: _course_page(course_id, first))
    flash(_("已暂停共享。") if event == "suspend" else _("已归档。"), "good")
    return redirect(url_for("catalogue.course", course_id=course_id))


# --- offerings --------------------------------------------------------------------------------------------------


@blueprint.get("/courses/<id:course_id>/offerings/new")
def new_offering(course_id: int) -> ResponseReturnValue:
    view = _editable(course_id)
    return _offering_form(view.course, None, forms.empty_offering(view.course), {}, "")


@blueprint.post("/courses/<id:course_id>/offerings/new")
def create_offering(course_id: int) -> ResponseReturnValue:
    view = _editable(course_id)
    try:
        filled = forms.pasted(db(), view.course, None)
        if "fill" in request.form:
            return _offering_form(view.course, None, forms.typed_offering(filled), {}, "")
        data = offering_rows.sent(schemas.OfferingIn())
        made = services.create_offering(db(), actor(), view.course, {**data, "meetings": [*data["meetings"], *filled]})
        published = view.course.item.state == "published" and "publish" in request.form
        if published:
            services.move_offering(db(), actor(), made, "publish")
    except (Invalid, Refused) as error:
        return refused(error, lambda *wrong: _offering_form(view.course, None, forms.typed_offering(), *wrong))
    if published:
        flash(_("教学班已发布，学生现在可以看到。"), "good")
        return redirect(url_for("catalogue.as_seen", course_id=course_id))
    flash(_("教学班已保存为草稿。"), "good")
    return redirect(url_for("catalogue.course", course_id=course_id))


@blueprint.get("/offerings/<id:offering_id>/edit")
def edit_offering(offering_id: int) -> ResponseReturnValue:
    offering = _editable_offering(offering_id)
    return _offering_form(offering.course, offering, forms.offering_values(offering), {}, "")


@blueprint.post("/offerings/<id:offering_id>/edit")
def update_offering(offering_id: int) -> ResponseReturnValue:
    offering = _editable_offering(offering_id)
    try:
        filled = forms.pasted(db(), offering.course, offering)
        if "fill" in request.form:
            typed = {**forms.typed_offering(filled), "version": request.form.get("version")}
            return _offering_form(offering.course, offering, typed, {}, "")
        forms.check_version(offering.version)
        data = offering_rows.sent(schemas.OfferingFields())
        services.update_offering(db(), actor(), offering, {**data, "meetings": [*data["meetings"], *filled]})
    except (Invalid, Refused, Stale) as error:
        return refused(error, lambda *wrong: _offering_form(offering.course, offering, forms.typed_offering(), *wrong))
    flash(_("已保存。"), "good")
    return redirect(url_for("catalogue.course", course_id=offering.course_id))


@blueprint.post("/offerings/<id:offering_id>/<any(publish, archive):event>")
def move_offering(offering_id: int, event: str) -> ResponseReturnValue:
    offering = _editable_offering(offering_id)
    try:
        services.move_offering(db(), actor(), offering, event)
    except Refused as error:
        return refused_at_once(error, lambda first: _course_page(offering.course_id, first, offering))
    seen = offering.course.item.state == "published"
    published = _("教学班已发布，学生现在可以看到。") if seen else _("教学班已发布；课程发布后，学生才能看到。")
    flash(published if event == "publish" else _("教学班已归档。"), "good")
    return redirect(url_for("catalogue.course", course_id=offering.course_id))


def _editable_offering(offering_id: int) -> Any:
    g.nav_endpoint = "catalogue.mine"
    view = queries.view_offering(db(), actor(), offering_id, "offering.edit")
    allow.require(actor(), "offering.edit", queries.subject(view.offering.course))
    return view.offering


def _offering_form(course: Any, offering: Any, values: Any, errors: dict[str, list[str]], overall: str) -> str:
    choices = forms.offering_choices(db(), course, offering)
    return render_template(
        "catalogue/offering_form.html", course=course, offering=offering, values=values, errors=errors,
        overall=overall, once=once(), **choices,
    )  # fmt: skip
