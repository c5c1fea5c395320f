"""Tests that run only with `make test THOROUGH=1`: each says once more, for longer, what a quicker one says every time.

Together they would take CI over its ten minutes. What is listed here must have a brother that always runs.
"""

from __future__ import annotations

import os
import re

import pytest

ON = os.environ.get("ZUTUAN_THOROUGH") == "1"
PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # axe walks as registrar, who reaches most; the other roles' pages are mostly the same ones
        r"test_axe\.py::test_nothing_stands_in_anyones_way\[(?!registrar)",
        r"test_axe\.py::test_nothing_stands_in_anyones_way_in_english",
        r"test_worker_killed\.py::.*\[sqlite\]",  # several workers are PostgreSQL's case
        r"test_calendar_changes\.py::test_four_thousand_meetings_move_in_seconds",
        # the statements are the same on both; that the wheel starts on SQLite, every browser test shows of the checkout
        r"test_statements\.py::test_every_page_takes_as_many_statements_for_many_rows_as_for_few\[postgres\]",
        r"test_wheel\.py::test_the_wheel_runs_outside_the_checkout\[sqlite\]",
        r"test_approvals\.py::test_many_at_once_all_or_none\[200\]",
        # on a desk as on a phone; and what `test_story_by_token.py` tells without a browser on both engines
        r"test_thread\.py::test_course_goes_from_draft_to_seat\[desk\]",
        r"test_story\.py::test_(more_and_fewer_seats_break_no_queue|from_the_plan_to_a_seat_that_lapses|hundreds_of_requests.*)",
        # rights are the same on both; the whole matrix runs on SQLite
        r"test_permission_matrix\.py::test_the_sibling_s_reading.*\[postgres\]",
        r"test_looks\.py::test_the_demonstration_keeps_its_own_rules",
        r"test_hostile_words\.py::test_no_page_runs_what_people_typed\[(teacher|platform_admin)\]",
        r"test_looks\.py::test_very_long_names_stay_inside_the_page\[phone\]",
        # waits a minute for the lease of a killed server; `test_files.py` has the same without the kill
        r"test_downloads\.py::test_an_upload_survives_the_server",
        r"test_metrics\.py::test_two_processes_answer_as_one",
        r"test_mail\.py::test_a_(full_mailbox_is_tried_for_days|dead_server_only_delays\[postgres\])",
        # both engines are a source and a target once; these are the other two pairs
        r"test_backup\.py::test_the_commands\[(postgres-sqlite|sqlite-sqlite)",
        r"test_backup\.py::test_everything_comes_back_on_either_engine\[(sqlite-sqlite|postgres-postgres)",
        r"test_backup\.py::test_a_backup_is_one_moment_.*\[(postgres-sqlite|sqlite-postgres)",
        r"test_backup\.py::test_(an_older_backup_is_migrated|broken_references_are_not_restored)\[sqlite",
        # on PostgreSQL writers really meet; SQLite's follow each other, and the property walks the same paths there
        r"test_rush\.py::test_(leaving_and_coming|lowering_the_capacity|the_same_withdrawal|who_changes_places|two_classes_at_the_same|who_would_wait).*\[sqlite",
        r"test_rush\.py::test_what_a_seat_promises.*\[sqlite-(archive course|suspend course|other times)",
        # the crowd of forty is drawn every time
        r"test_lottery\.py::test_five_hundred",
        r"test_flows\.py::test_frozen_once_by_a_double_click\[sqlite",
        # refusals before any statement, and pages that ask the same statements
        r"test_catalogue\.py::test_a_(bad|class_that_cannot|cursor_that_was).*\[postgres",
        r"test_catalogue\.py::test_outside_the_cluster_nothing_of_it_exists\[(sqlite-D|postgres-E)",
        r"test_sharing_property\.py::test_a_planted_fault_makes_the_property_fail\[ended_membership_counts_in",
    )
)


def chosen(items: list[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """(what runs now, what is left for a thorough run)."""
    if ON:
        return items, []
    left = [item for item in items if any(pattern.search(item.nodeid) for pattern in PATTERNS)]
    return [item for item in items if item not in left], left
