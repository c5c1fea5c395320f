"""成绩: what a student got at the host school, and what it is at home. Its rules stand; nothing calls them yet."""
