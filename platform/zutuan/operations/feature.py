"""Operations, as the kernel registers them."""

from zutuan.feature import Feature
from zutuan.operations import checks_database, checks_kernel, measuring

FEATURE = Feature(
    name="operations",
    pages=(measuring.blueprint,),
    public=frozenset({"operations.show"}),  # looks at who asks itself
    checks=(*checks_database.CHECKS, *checks_kernel.CHECKS),
)
