"""The demonstration: placeholder."""

from dataclasses import dataclass


@dataclass
class DemoWorld:
    now: object
    schools: dict


def accounts_on_page(session):
    return []
