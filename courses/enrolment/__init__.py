"""Enrolment: a student of one school in an offering of another."""
