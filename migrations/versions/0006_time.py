"""Terms by grade, period tables by season and weekday, special days, exclusive time, imported timetables, feeds"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

import zutuan.db
from zutuan.calendar.rules import parse_weeks
from zutuan.clock import local

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = zutuan.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    _terms()
    _period_tables()
    _special_days()
    _occurrences()
    _timetables()
    _feeds()


def _terms() -> None:
    with op.batch_alter_table("term") as batch:
        batch.drop_constraint(op.f("ck_term_number"), type_="check")
        batch.create_check_constraint(op.f("ck_term_number"), "number BETWEEN 1 AND 4")
    op.create_table(
        "term_start",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("term_id", ID, nullable=False),
        sa.Column("grade", sa.String(length=10), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.CheckConstraint("weeks BETWEEN 1 AND 30", name=op.f("ck_term_start_weeks")),
        sa.ForeignKeyConstraint(["term_id"], ["term.id"], name=op.f("fk_term_start_term_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_term_start")),
        sa.UniqueConstraint("term_id", "grade", name=op.f("uq_term_start_term_id_grade")),
        sqlite_autoincrement=True,
    )


def _period_tables() -> None:
    with op.batch_alter_table("period_table") as batch:
        batch.add_column(sa.Column("name", sa.String(length=40), server_default="", nullable=False))
        batch.add_column(sa.Column("until_day", sa.Date(), nullable=True))
        batch.add_column(sa.Column("season_from", sa.Integer(), server_default="101", nullable=False))
        batch.add_column(sa.Column("season_until", sa.Integer(), server_default="1231", nullable=False))
        batch.add_column(sa.Column("weekdays", sa.String(length=7), server_default="1234567", nullable=False))
        batch.drop_constraint(op.f("uq_period_table_school_id_from_day"), type_="unique")
        scope = ["school_id", "from_day", "season_from", "season_until", "weekdays"]
        batch.create_unique_constraint(op.f("uq_period_table_scope"), scope)
        batch.create_check_constraint(op.f("ck_period_table_days"), "until_day IS NULL OR until_day >= from_day")


def _special_days() -> None:
    op.create_table(
        "special_day",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("school_id", ID, nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("takes", sa.Date(), nullable=True),
        sa.CheckConstraint("kind IN ('holiday', 'swapped', 'normal')", name=op.f("ck_special_day_kind")),
        sa.CheckConstraint(
            "(kind = 'swapped') = (takes IS NOT NULL) AND (takes IS NULL OR takes <> day)",
            name=op.f("ck_special_day_takes"),
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_special_day_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_special_day")),
        sa.UniqueConstraint("school_id", "day", name=op.f("uq_special_day_school_id_day")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_special_day_inherited", "special_day", ["day"], unique=True,
        sqlite_where=sa.text("school_id IS NULL"), postgresql_where=sa.text("school_id IS NULL"),
    )  # fmt: skip
    op.create_table(
        "calendar_edition",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_edition")),
        sa.UniqueConstraint("place", name=op.f("uq_calendar_edition_place")),
        sqlite_autoincrement=True,
    )


# --- the book of time -------------------------------------------------------------------------------------------


def _occurrences() -> None:
    with op.batch_alter_table("occurrence") as batch:
        batch.add_column(sa.Column("exclusive", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch.add_column(sa.Column("weekday", sa.Integer(), server_default="0", nullable=False))
        batch.add_column(sa.Column("period", sa.Integer(), server_default="0", nullable=False))
        batch.add_column(sa.Column("sequence", sa.Integer(), server_default="0", nullable=False))
        batch.add_column(sa.Column("changed_at", MOMENT, nullable=True))
    _name_meetings()
    op.execute("UPDATE occurrence SET changed_at = starts WHERE changed_at IS NULL")
    with op.batch_alter_table("occurrence") as batch:
        batch.alter_column("changed_at", existing_type=MOMENT, nullable=False)
    if op.get_bind().dialect.name == "postgresql":
        _exclude()


def _exclude() -> None:
    """Time of an exclusive resource cannot be taken twice, even by raw SQL."""
    try:
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    except DBAPIError as error:
        raise RuntimeError(
            "PostgreSQL 缺少扩展 btree_gist，且当前用户不能安装。请数据库管理员在本库执行：CREATE EXTENSION btree_gist;\n"
            "The extension btree_gist is missing and this user may not create it. Ask the database's administrator to run, "
            "in this database: CREATE EXTENSION btree_gist;  (Debian: package postgresql-contrib)"
        ) from error
    op.execute(
        "ALTER TABLE occurrence ADD CONSTRAINT ex_occurrence_exclusive EXCLUDE USING gist (resource_type WITH =, "
        "resource_id WITH =, tstzrange(starts, ends, '[)') WITH &&) WHERE (state = 'active' AND exclusive)"
    )


def _name_meetings() -> None:
    """Weekday and first period of the meetings that are there: so far each has stood on its pattern's own day."""
    connection = op.get_bind()
    names = ("id", "source_id", "starts", "week", "source_type", "weekday", "period", "changed_at")
    occurrence = sa.table("occurrence", *(sa.column(n) for n in names))
    occurrence.c.starts.type = occurrence.c.changed_at.type = MOMENT
    patterns = _patterns(connection)
    offering = sa.table("offering", sa.column("id"), sa.column("updated_at", MOMENT))
    changed = {id_: at for id_, at in connection.execute(sa.select(offering.c.id, offering.c.updated_at))}
    found = sa.select(occurrence.c.id, occurrence.c.source_id, occurrence.c.starts, occurrence.c.week)
    found = found.where(occurrence.c.source_type == "offering").order_by(occurrence.c.source_id, occurrence.c.starts)
    seen: dict[tuple[int, int, int], int] = {}
    values: list[dict[str, Any]] = []
    for id_, source_id, starts, week in connection.execute(found).all():
        weekday = local(starts).isoweekday()
        place = seen[source_id, week, weekday] = seen.get((source_id, week, weekday), -1) + 1
        firsts = sorted(first for day, first, weeks in patterns.get(source_id, ()) if day == weekday and week in weeks)
        period = firsts[place] if place < len(firsts) else 0
        values.append({"this": id_, "weekday": weekday, "period": period, "changed_at": changed.get(source_id, starts)})
    if values:
        change = sa.update(occurrence).where(occurrence.c.id == sa.bindparam("this"))
        connection.execute(
            change.values(
                {n: sa.bindparam(n, type_=occurrence.c[n].type) for n in ("weekday", "period", "changed_at")}
            ),
            values,
        )


def _patterns(connection: sa.Connection) -> dict[int, list[tuple[int, int, list[int]]]]:
    """Offering → (weekday, first period, weeks) of each pattern."""
    names = ("offering_id", "weekday", "first_period", "weeks")
    pattern = sa.table("meeting_pattern", *(sa.column(n) for n in names))
    found: dict[int, list[tuple[int, int, list[int]]]] = {}
    for offering_id, weekday, first, text in connection.execute(sa.select(*(pattern.c[n] for n in names))):
        weeks = parse_weeks(text)
        found.setdefault(offering_id, []).append((weekday, first, weeks if isinstance(weeks, list) else []))
    return found


def _timetables() -> None:
    op.create_table(
        "calendar_place",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("school_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.CheckConstraint("kind IN ('class', 'teacher', 'room')", name=op.f("ck_calendar_place_kind")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_calendar_place_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_place")),
        sa.UniqueConstraint("school_id", "kind", "name", name=op.f("uq_calendar_place_school_id_kind_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "timetable_entry",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("school_id", ID, nullable=False),
        sa.Column("term_id", ID, nullable=False),
        sa.Column("course", sa.String(length=120), nullable=False),
        sa.Column("classes", sa.String(length=400), nullable=False),
        sa.Column("teacher_number", sa.String(length=40), nullable=False),
        sa.Column("teacher_name", sa.String(length=60), nullable=False),
        sa.Column("room", sa.String(length=60), nullable=False),
        sa.Column("room_shared", sa.Boolean(), nullable=False),
        sa.Column("times", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_timetable_entry_school_id")),
        sa.ForeignKeyConstraint(["term_id"], ["term.id"], name=op.f("fk_timetable_entry_term_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timetable_entry")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_timetable_entry_term_id"), "timetable_entry", ["term_id"])
    with op.batch_alter_table("offering") as batch:
        batch.add_column(sa.Column("grade", sa.String(length=10), server_default="", nullable=False))


def _feeds() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_calendar_feed_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_calendar_feed_secret_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_calendar_feed_open", "calendar_feed", ["person_id"], unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"), postgresql_where=sa.text("revoked_at IS NULL"),
    )  # fmt: skip


# --- back -------------------------------------------------------------------------------------------------------


def downgrade() -> None:
    for table in ("calendar_feed", "timetable_entry", "calendar_place"):
        op.drop_table(table)
    with op.batch_alter_table("offering") as batch:
        batch.drop_column("grade")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ex_occurrence_exclusive"), "occurrence")
    with op.batch_alter_table("occurrence") as batch:
        for name in ("changed_at", "sequence", "period", "weekday", "exclusive"):
            batch.drop_column(name)
    for table in ("calendar_edition", "special_day"):
        op.drop_table(table)
    _period_tables_back()
    op.drop_table("term_start")
    # a fourth term has no place in the older form: its number is what the check there allows nobody to have
    with op.batch_alter_table("term") as batch:
        batch.drop_constraint(op.f("ck_term_number"), type_="check")
        batch.create_check_constraint(op.f("ck_term_number"), "number BETWEEN 1 AND 3")


def _period_tables_back() -> None:
    with op.batch_alter_table("period_table") as batch:
        batch.drop_constraint(op.f("ck_period_table_days"), type_="check")
        batch.drop_constraint(op.f("uq_period_table_scope"), type_="unique")
        batch.create_unique_constraint(op.f("uq_period_table_school_id_from_day"), ["school_id", "from_day"])
        for name in ("weekdays", "season_until", "season_from", "until_day", "name"):
            batch.drop_column(name)
