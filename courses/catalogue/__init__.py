"""Courses and their offerings: publishing, and the catalogue."""
