"""A notice in words, in the language of the moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zutuan.feature import Feature


def sentence(features: Sequence[Feature], event: str, params: Mapping[str, Any]) -> str:
    """As the feature that knows the event says it; an event of a newer version is at least named."""
    for feature in features:
        if event in feature.notices:
            return str(feature.notices[event](params))
    return event
