"""What comes in and goes out about draws."""

from __future__ import annotations

from marshmallow import fields

from courses.enrolment.schemas import CourseRef, RefusalOut
from courses.lottery.rules import MOST_SEATS
from zutuan.fields import AcademicYear, Amount, Flag, Instant, Many, Named, Ref, Schema, Text, Whole


class DrawFields(Schema):
    opens = Instant(required=True, metadata={"description": "wishing is [opens, closes)"})
    closes = Instant(required=True)
    most = Whole(1, MOST_SEATS, load_default=1, metadata={"description": "seats a student may get"})
    note = Text(400, min=0, multiline=True)
    public_source = Text(
        200,
        min=0,
        metadata={"description": "which public value will be mixed into the seed, said before wishing opens"},
    )


class DrawForm(DrawFields):
    academic_year = AcademicYear(required=True)
    number = Whole(1, 4, required=True)


class DrawIn(DrawForm):
    cluster_id = Ref(load_default=None, allow_none=True)
    school_id = Ref(load_default=None, allow_none=True, metadata={"description": "for a school's own classes only"})


class CancelIn(Schema):
    reason = Text(200, min=0)


class RunIn(Schema):
    public_value = Text(200, min=0, metadata={"description": "of `public_source`, as everybody can look it up"})


class WishesIn(Schema):
    """The whole list, the dearest first."""

    offering_ids = Many(Ref(), max=100, required=True)
    most = Whole(1, MOST_SEATS, load_default=1, metadata={"description": "how many seats I want"})
    affiliation_id = Ref(load_default=None, allow_none=True)


class WishForm(Schema):
    """One button of the page."""

    do = Text(10, load_default="most")
    offering_id = Ref(load_default=None, allow_none=True)
    most = Whole(1, MOST_SEATS, load_default=None, allow_none=True)
    version = Whole(0, 10**9, load_default=0)
    affiliation_id = Ref(load_default=None, allow_none=True)


class DrawOut(Schema):
    id = fields.Integer()
    cluster = fields.Nested(Named, allow_none=True)
    school = fields.Nested(Named, allow_none=True)
    academic_year = fields.String()
    number = fields.Integer()
    state = fields.String(metadata={"enum": ["draft", "published", "drawn", "cancelled"]})
    opens = fields.AwareDateTime()
    closes = fields.AwareDateTime()
    most = fields.Integer()
    note = fields.String()
    commitment = fields.String(metadata={"description": "SHA-256 of 'zutuan-draw:' and the seed"})
    public_source = fields.String()
    public_value = fields.String()
    seed = fields.Method("seed_once_drawn", metadata={"type": "string", "description": "empty before it is drawn"})
    wishes_digest = fields.String(
        metadata={
            "description": "of everybody's wishes, once wishing is over: SHA-256 of the JSON without spaces of all [ticket, most, wishes] in the order of tickets"
        }
    )
    published_at = fields.AwareDateTime(allow_none=True)
    drawn_at = fields.AwareDateTime(allow_none=True)
    version = fields.Integer()

    def seed_once_drawn(self, draw: object) -> str:
        return str(getattr(draw, "seed", "")) if getattr(draw, "state", "") == "drawn" else ""


class LotOut(Schema):
    """A class that is drawn for, as I see it."""

    offering_id = fields.Integer()
    class_code = fields.String()
    course = fields.Nested(CourseRef)
    school = fields.Nested(Named)
    credits = Amount("0", "100")
    seats_left = fields.Integer()
    reasons = fields.List(fields.Nested(RefusalOut), metadata={"description": "what stands against me now"})


class WishOut(Schema):
    offering_id = fields.Integer()
    rank = fields.Integer()
    course = fields.Nested(CourseRef)
    outcome = fields.String(metadata={"description": "empty before it is drawn; won, or why not"})
    place = fields.Integer(allow_none=True, metadata={"description": "mine among the rivals, by lottery number"})
    rivals = fields.Integer(allow_none=True)
    enrolment_id = fields.Integer(allow_none=True)


class WishesOut(Schema):
    """`version` 0: nothing is wished."""

    ticket = fields.String(metadata={"description": "what the statement calls me; nobody else is told"})
    most = fields.Integer()
    wishes = fields.List(fields.Nested(WishOut))
    version = fields.Integer()


class LotFiguresOut(Schema):
    offering_id = fields.Integer()
    seats = fields.Integer()
    wishes = fields.Integer()
    first_wishes = fields.Integer()
    given = fields.Integer()


class RankOut(Schema):
    rank = fields.Integer()
    seats = fields.Integer()


class FiguresOut(Schema):
    lots = fields.Integer()
    seats = fields.Integer()
    lists = fields.Integer()
    wishes = fields.Integer()
    given = fields.Integer()
    with_seat = fields.Integer(metadata={"description": "students who get at least one"})
    without = fields.Integer()
    ranks = fields.List(fields.Nested(RankOut), metadata={"description": "seats got as first, second … wish"})
    per_lot = fields.List(fields.Nested(LotFiguresOut))


class RecomputedOut(Schema):
    equal = Flag()
    differences = fields.List(fields.String())


# --- the statement -----------------------------------------------------------------------------------------------


class AboutOut(Schema):
    id = fields.Integer()
    of = fields.String()
    academic_year = fields.String()
    number = fields.Integer()
    opens = fields.String()
    closes = fields.String()
    drawn_at = fields.String()
    public_source = fields.String()


class StatedPool(Schema):
    id = fields.Integer()
    scope = fields.String()
    left = fields.Integer()


class StatedLot(Schema):
    id = fields.Integer()
    code = fields.String()
    class_ = fields.String(data_key="class", attribute="class")
    school = fields.String()
    credits = fields.String()
    pools = fields.List(fields.Nested(StatedPool))
    excludes = fields.List(fields.Integer())


class StatedEntrant(Schema):
    ticket = fields.String()
    wishes = fields.List(fields.Integer())
    scopes = fields.List(fields.String())
    most = fields.Integer()
    had = fields.String()
    cap = fields.Integer()
    barred = fields.List(fields.Integer())


class StatedSeat(Schema):
    turn = fields.Integer()
    ticket = fields.String()
    lot = fields.Integer()
    pool = fields.Integer()
    rank = fields.Integer()


class StatedResult(Schema):
    won = fields.List(fields.Nested(StatedSeat))
    missed = fields.Dict(keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.String()))


class StatementOut(Schema):
    """Everything that the result follows from, under tickets. `/draws/recompute.py` draws again from it."""

    algorithm = fields.String()
    draw = fields.Nested(AboutOut)
    seed = fields.String()
    public_value = fields.String()
    commitment = fields.String()
    wishes_digest = fields.String(metadata={"description": "as it was published when wishing closed"})
    lots = fields.List(fields.Nested(StatedLot))
    entrants = fields.List(fields.Nested(StatedEntrant))
    result = fields.Nested(StatedResult)
