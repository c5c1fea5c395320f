"""Frozen figures when a school is taken over."""

from zutuan.clusters.hooks import SuccessionHook

# What was true of a school on that day stays true of it.
SUCCESSION = SuccessionHook(stays={"frozen_value.home_id", "frozen_value.host_id"})
