"""Who may do what with draws. `member`: whose school is in the draw's cluster, or in one with the school that draws;
`home`: the student's school, `host`: the school whose own classes are drawn for."""

from zutuan.sharing.permissions import Held, Is, Permissions

_RUNS = (Held({"cluster_admin"}, at="cluster"), Held({"registrar"}, at="host"))

allow = Permissions(
    {
        # What is drawn for, when, and the statement of it: everybody whom it may concern.
        "draw.read": (Is("member"), *_RUNS),
        "draw.read_draft": _RUNS,
        "draw.create": _RUNS,
        "draw.edit": _RUNS,
        "draw.publish": _RUNS,
        "draw.cancel": _RUNS,
        "draw.try": _RUNS,
        "draw.run": _RUNS,
        # how much each class is wished for, while wishing is open: `office`, registrars and admins of the schools
        "draw.figures": (Is("office"), *_RUNS),
        "draw.wish": (Held({"student"}, at="home"),),
    }
)
