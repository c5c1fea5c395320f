"""Shared items, audiences, scopes, permissions, audit: the access rule of the platform."""
