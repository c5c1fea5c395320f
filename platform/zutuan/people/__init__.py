"""Accounts, affiliations, roles, sign-in, tokens."""
