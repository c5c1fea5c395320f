"""What a rule answers: None when allowed, or a `Refusal` that names its reason. Pure values, no framework."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """Why not. `code` is stable and public; `params` fill its sentence (see `errors.say`)."""

    code: str
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class FieldError:
    """One bad field of an input: `field` is its dotted path (`meetings.0.weekday`), `code` as in `Refusal`."""

    field: str
    code: str
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)
