"""Operations, as the kernel registers them."""

from zutuan.feature import Feature
from zutuan.operations import checks_database, checks_kernel

FEATURE = Feature(name="operations", checks=(*checks_database.CHECKS, *checks_kernel.CHECKS))
