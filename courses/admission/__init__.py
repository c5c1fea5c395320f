"""可选课程: which courses of other schools a school admits for its own students."""
