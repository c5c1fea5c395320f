"""`/draws`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.enrolment.enrolling import student_affiliation
from courses.lottery import queries, recompute, schemas, services, views
from courses.lottery.models import Draw
from courses.lottery.permissions import allow
from zutuan.paging import Page
from zutuan.web.api import IDEMPOTENCY, IF_MATCH, Blueprint, listing, require_match, tagged
from zutuan.web.requests import actor, db

draws_api = Blueprint("api-draws", __name__, url_prefix="/api/v1/draws", description="seats that are drawn for")


@draws_api.route("")
class Draws(MethodView):
    @draws_api.response(200, listing(schemas.DrawOut))
    def get(self) -> Any:
        """The draws of my clusters and schools; drafts for who runs them."""
        found = queries.mine(db(), actor())
        return Page(found, None, len(found))

    @draws_api.arguments(schemas.DrawIn)
    @draws_api.response(201, schemas.DrawOut)
    @draws_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Draft a draw, of a cluster's classes of a term or of a school's own."""
        draw = services.create(db(), actor(), data)
        return draw, 201, {"Location": f"/api/v1/draws/{draw.id}", **tagged(draw.version)}


@draws_api.route("/<id:draw_id>")
class DrawById(MethodView):
    @draws_api.response(200, schemas.DrawOut)
    def get(self, draw_id: int) -> Any:
        """One draw. Its seed is told when it is drawn."""
        draw = queries.view_draw(db(), actor(), draw_id)
        return draw, 200, tagged(draw.version)

    @draws_api.arguments(schemas.DrawFields(partial=True))
    @draws_api.response(200, schemas.DrawOut)
    @draws_api.doc(parameters=[IF_MATCH])
    def patch(self, data: dict[str, Any], draw_id: int) -> Any:
        """Change it; once wishing has begun only its end and the note."""
        draw = queries.view_draw(db(), actor(), draw_id)
        require_match(draw.version)
        services.update(db(), actor(), draw, data)
        return draw, 200, tagged(draw.version)


@draws_api.route("/<id:draw_id>/publish")
class Publish(MethodView):
    @draws_api.response(200, schemas.DrawOut)
    def post(self, draw_id: int) -> Any:
        """Announce it, with the commitment to its seed."""
        draw = queries.view_draw(db(), actor(), draw_id)
        return services.publish(db(), actor(), draw), 200, tagged(draw.version)


@draws_api.route("/<id:draw_id>/cancel")
class Cancel(MethodView):
    @draws_api.arguments(schemas.CancelIn)
    @draws_api.response(200, schemas.DrawOut)
    def post(self, data: dict[str, Any], draw_id: int) -> Any:
        """Call it off: its seats go first come. Who wished is told why."""
        draw = queries.view_draw(db(), actor(), draw_id)
        return services.cancel(db(), actor(), draw, data["reason"]), 200, tagged(draw.version)


@draws_api.route("/<id:draw_id>/try")
class Try(MethodView):
    @draws_api.response(200, schemas.FiguresOut)
    def post(self, draw_id: int) -> Any:
        """What a draw of the wishes of now would come to: figures only, with a seed that is thrown away."""
        draw = queries.view_draw(db(), actor(), draw_id)
        return views.figures(services.try_out(db(), actor(), draw))


@draws_api.route("/<id:draw_id>/run")
class Run(MethodView):
    @draws_api.arguments(schemas.RunIn)
    @draws_api.response(200, schemas.DrawOut)
    def post(self, data: dict[str, Any], draw_id: int) -> Any:
        """Draw, once: give the seats, publish the statement, tell everybody who wished."""
        draw = queries.view_draw(db(), actor(), draw_id)
        return services.run(db(), actor(), draw, data["public_value"]), 200, tagged(draw.version)


@draws_api.route("/<id:draw_id>/lots")
class Lots(MethodView):
    @draws_api.response(200, listing(schemas.LotOut))
    def get(self, draw_id: int) -> Any:
        """The classes that are drawn for and that I see, with what stands against me now."""
        draw = queries.view_draw(db(), actor(), draw_id)
        studies = bool(allow.schools(actor(), "draw.wish"))
        home = student_affiliation(actor()) if studies else None
        found = [views.lot(each) for each in views.rows(db(), actor(), draw, home, None)]
        return Page(found, None, len(found))


@draws_api.route("/<id:draw_id>/wishes")
class Wishes(MethodView):
    @draws_api.response(200, schemas.WishesOut)
    def get(self, draw_id: int) -> Any:
        """My wishes, and what became of them. Without any the version is 0."""
        draw = queries.view_draw(db(), actor(), draw_id)
        found = views.wishes(draw, queries.my_list(db(), actor(), draw))
        return found, 200, tagged(found["version"])

    @draws_api.arguments(schemas.WishesIn)
    @draws_api.response(200, schemas.WishesOut)
    @draws_api.doc(parameters=[IF_MATCH])
    def put(self, data: dict[str, Any], draw_id: int) -> Any:
        """My whole list, the dearest first, in the place of what I wished before; until wishing closes."""
        draw = queries.view_draw(db(), actor(), draw_id)
        version = _matched(draw)
        services.save_wishes(
            db(), actor(), draw, data["offering_ids"], most=data["most"], version=version,
            affiliation_id=data["affiliation_id"],
        )  # fmt: skip
        found = views.wishes(draw, queries.my_list(db(), actor(), draw))
        return found, 200, tagged(found["version"])

    @draws_api.response(204)
    @draws_api.doc(parameters=[IF_MATCH])
    def delete(self, draw_id: int) -> Any:
        """Take part no more."""
        draw = queries.view_draw(db(), actor(), draw_id)
        version = _matched(draw)
        services.clear_wishes(db(), actor(), draw, version)


def _matched(draw: Draw) -> int:
    """The version of my list, which the request has named."""
    mine = queries.my_list(db(), actor(), draw)
    version = mine.version if mine else 0
    require_match(version)
    return version


@draws_api.route("/<id:draw_id>/statement")
class Statement(MethodView):
    @draws_api.response(200, schemas.StatementOut)
    def get(self, draw_id: int) -> Any:
        """Everything that the result follows from, under tickets: whoever has it can draw again."""
        return queries.statement(db(), queries.view_draw(db(), actor(), draw_id))


@draws_api.route("/<id:draw_id>/recomputed")
class Recomputed(MethodView):
    @draws_api.response(200, schemas.RecomputedOut)
    def get(self, draw_id: int) -> Any:
        """Draw again from the statement, here: whether it comes to the same."""
        found = recompute.differences(queries.statement(db(), queries.view_draw(db(), actor(), draw_id)))
        return {"equal": not found, "differences": found}
