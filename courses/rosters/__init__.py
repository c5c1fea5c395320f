"""名单与考勤: exports of rosters in saved orders, the poster of a class, and who was there."""
