"""开班确认: a class with too few students is confirmed or called off (停开), and its students may look for another."""
