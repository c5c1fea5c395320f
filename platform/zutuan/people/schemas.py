"""What comes in and goes out about people."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates, validates_schema
from werkzeug.datastructures import MultiDict

from zutuan.errors import Invalid
from zutuan.fields import Choice, Flag, Instant, Many, Ref, Say, Schema, Text, bad, field_errors, from_form
from zutuan.people.rules import GRANTS


class SchoolKey(fields.Field[str]):
    """A school by its name, its ministry code, or its id (number or text)."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise bad("wrong_type")
        text = str(value).strip()
        if len(text) > 60 or "\x00" in text:
            raise bad("too_long", max=60)
        return text


class SignInIn(Schema):
    email = Text(254, min=0)
    school = SchoolKey(load_default="")
    number = Text(40, min=0)
    password = Text(200, required=True)


class SlipsForm(Schema):
    """Whose slips: all who cannot sign in yet, or those of a class, a department, or these numbers."""

    class_name = Text(60, min=0)
    department_id = Ref(load_default=None)
    numbers = Text(4000, min=0, multiline=True)
    purpose = Choice(("activate", "reset"), load_default="activate")


class PeoplePageQuery(Schema):
    q = Text(60, min=0, load_default="")
    kind = Choice(("student", "teacher", "staff"), load_default="")
    left = Flag(load_default=False)


class GrantForm(Schema):
    """`from` and `until` are days in Shanghai; `until` is the last one."""

    people = Many(Ref(), 1000, min=1)
    role = Choice(tuple(GRANTS), required=True)
    department_id = Ref(load_default=None)
    from_ = fields.Date(data_key="from", load_default=None)
    until = fields.Date(load_default=None)


class AppointForm(Schema):
    """Somebody of any school, for a role at a cluster or the platform."""

    school = SchoolKey(required=True)
    number = Text(40, required=True)
    from_ = fields.Date(data_key="from", load_default=None)
    until = fields.Date(load_default=None)


class DelegateForm(Schema):
    number = Text(40, required=True)
    from_ = fields.Date(data_key="from", load_default=None)
    until = fields.Date(required=True)


class CloseForm(Schema):
    password = Text(200, required=True)
    sure = Flag(required=True)

    @validates("sure")
    def _sure(self, value: bool, **kw: Any) -> None:
        if not value:
            raise bad("required")


class LeaveForm(Schema):
    """`at`: the first day on which they no longer belong; none: now."""

    at = fields.Date(load_default=None)
    reason = Text(200, required=True)


class _Asked(Schema):
    """What an address asks for; the keys that other pages put there are nothing to it."""

    def read(self, values: MultiDict[str, str]) -> dict[str, Any]:
        known = MultiDict([(key, value) for key, value in values.items(multi=True) if key in self.fields])
        try:
            data: dict[str, Any] = self.load(from_form(self, known))
        except ValidationError as error:
            raise Invalid(errors=field_errors(error.messages)) from error
        return data


class ChooseForm(_Asked):
    """Two people by number; at another school than the page's where one is named."""

    kept = Text(40, required=True)
    gone = Text(40, required=True)
    kept_school = SchoolKey(load_default="")
    gone_school = SchoolKey(load_default="")


class PairForm(_Asked):
    kept = Ref(required=True)
    gone = Ref(required=True)


class AuditQuery(Schema):
    action = Text(40, min=0, load_default="")
    person = Ref(load_default=None)
    since = fields.Date(load_default=None)
    until = fields.Date(load_default=None)


class NewPasswordForm(Schema):
    password = Text(200, required=True)
    again = Text(200, required=True)


class ChangePasswordForm(NewPasswordForm):
    old = Text(200, required=True)


class ActivateForm(NewPasswordForm):
    school = SchoolKey(required=True)
    number = Text(40, required=True)
    code = Text(40, required=True)


class ForgotForm(Schema):
    email = Text(254, required=True)


class TokenIn(Schema):
    name = Text(60, required=True)


class AffiliationOut(Schema):
    id = fields.Integer(attribute="affiliation_id")
    school_id = fields.Integer()
    school_name = fields.String()
    kind = fields.String()
    number = fields.String()
    department_id = fields.Integer(allow_none=True)
    major = fields.String()
    grade = fields.String()


class RoleOut(Schema):
    role = fields.String()
    school_id = fields.Integer(allow_none=True)
    department_id = fields.Integer(allow_none=True)
    cluster_id = fields.Integer(allow_none=True)


class AssignmentOut(RoleOut):
    """A role somebody holds. `delegates`: the assignment of which it is a delegation."""

    id = fields.Integer()
    person_id = fields.Integer()
    person_name = fields.String()
    from_ = fields.AwareDateTime(data_key="from")
    until = fields.AwareDateTime(allow_none=True)
    delegates = fields.Integer(allow_none=True)


class AssignmentsQuery(Schema):
    """Of a school or of a cluster; of neither: the platform's; `mine`: the caller's own, wherever."""

    school_id = Ref(load_default=None)
    cluster_id = Ref(load_default=None)
    mine = Flag(load_default=False)

    @validates_schema
    def _one_place(self, data: dict[str, Any], **kw: Any) -> None:
        one_place(data)


def one_place(data: dict[str, Any]) -> None:
    if data.get("school_id") and data.get("cluster_id"):
        raise ValidationError({"cluster_id": [Say("one_place")]})


class GrantIn(Schema):
    """`role` for these people, at a school, one of its departments, a cluster, or (platform_admin) everywhere."""

    person_ids = Many(Ref(), 100, min=1, required=True)
    role = Choice(tuple(GRANTS), required=True)
    school_id = Ref(load_default=None)
    department_id = Ref(load_default=None)
    cluster_id = Ref(load_default=None)
    from_ = Instant(data_key="from", load_default=None)
    until = Instant(load_default=None)

    @validates_schema
    def _one_place(self, data: dict[str, Any], **kw: Any) -> None:
        one_place(data)


class DelegateIn(Schema):
    """`number`: the deputy's 学工号 at the school of the role."""

    number = Text(40, required=True)
    from_ = Instant(data_key="from", load_default=None)
    until = Instant(required=True)


class MembershipOut(Schema):
    cluster_id = fields.Integer()
    cluster_name = fields.String()
    school_id = fields.Integer()
    role = fields.String()


class MeOut(Schema):
    id = fields.Integer(attribute="person_id")
    name = fields.String()
    locale = fields.String()
    demonstration = fields.Boolean()
    affiliations = fields.List(fields.Nested(AffiliationOut))
    roles = fields.List(fields.Nested(RoleOut))
    clusters = fields.List(fields.Nested(MembershipOut), attribute="memberships")


class SessionOut(Schema):
    csrf_token = fields.String()
    me = fields.Nested(MeOut)


class TokenOut(Schema):
    id = fields.Integer()
    name = fields.String()
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()


class NewTokenOut(TokenOut):
    token = fields.String(metadata={"description": "shown this once"})


class PersonQuery(Schema):
    school_id = Ref(load_default=None)
    q = Text(60, min=0, load_default="")


class PersonOut(Schema):
    """A person as those who run the same school see them: no e-mail here."""

    id = fields.Integer()
    name = fields.String()
    school_id = fields.Integer()
    number = fields.String()
    kind = fields.String()
    demonstration = fields.Boolean()
