"""People, as the kernel registers them."""

from zutuan.feature import Feature
from zutuan.people import errors as errors
from zutuan.people.api import me_api, people_api, session_api
from zutuan.people.demo import load
from zutuan.people.pages import blueprint
from zutuan.people.permissions import allow

FEATURE = Feature(
    name="people",
    pages=(blueprint,),
    api=(session_api, me_api, people_api),
    permissions=allow,
    demo=load,
    demo_order=30,
    public=frozenset({"people.sign_in", "people.sign_in_post", "people.demo_sign_in", "api-session.Session"}),
)
