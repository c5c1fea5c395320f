"""Shared courses and cross-school electives."""
