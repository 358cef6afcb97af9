"""Cases from the field: each was tried on the product and failed once. Each has tests, and this table names them.

Numbers and short names are those of the list of cases. A renamed or deleted test fails here, so a case can't lose its
tests unseen. A case in `WITHOUT_TEST` has none yet.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
ROWS = [*map(str, range(1, 25)), *(f"A{number}" for number in range(1, 18))]

CASES: dict[str, tuple[str, ...]] = {
    "1 names of fields and files beyond ASCII": (
        "ml_proxy/integration/test_multipart_names.py::test_a_field_and_a_file_keep_their_names",
        "ml_proxy/integration/test_multipart_names.py::test_an_extended_parameter_is_the_files_name",
        "attachments/integration/test_s3.py::test_a_link_of_the_storage_keeps_a_files_name",
    ),
    "2 a large record over a slow link": (
        "recording/integration/test_publisher_large.py::test_small_records_arrive_within_seconds_behind_large_ones_over_a_slow_link",
        "common/integration/test_broker.py::test_a_large_message_crosses_a_slow_link",
    ),
    "3 a database that is not UTF-8": (
        "common/integration/test_database_encoding.py::test_nothing_starts",
        "common/integration/test_database_encoding.py::test_it_quarantines_nothing",
    ),
    "4 two repeats of a key in one batch": (
        "recording/integration/test_repeats.py::test_it_leaves_one_row_and_one_disposition_within_a_batch",
    ),
    "5 newest rows deleted while the journal has them": (
        "recording/integration/test_verify_log.py::test_what_is_settled_must_be_a_row_even_if_the_journal_still_has_it",
    ),
    "6 CSV for a Korean spreadsheet": (
        "ml_proxy/integration/test_export_spreadsheets.py::test_bom_begins_the_file_with_a_byte_order_mark",
        "ml_proxy/integration/test_export_spreadsheets.py::test_safe_cells_disarms_formulas_and_nothing_else",
        "acceptance/console/test_doctors_day.py::test_two_inferences_side_by_side_and_all_as_a_file",
    ),
    "7 half-sent bodies": (
        "acceptance/test_slow_callers.py::test_half_sent_bodies_are_cut_off",
        "acceptance/test_slow_callers.py::test_500_slow_callers_hold_up_nobody",
    ),
    "8 predictions to a slow model": (
        "acceptance/test_slow_callers.py::test_predictions_to_a_slow_model_leave_the_rest_alone",
    ),
    "9 wrong passwords by Basic": (
        "acceptance/test_password_guessing.py::test_a_guesser_is_locked_out_and_other_callers_are_unharmed",
    ),
    "10 wrong paths and methods": (
        "common/integration/test_wrong_paths.py::test_it_names_the_path_that_was_meant",
        "common/integration/test_wrong_paths.py::test_no_path_of_a_program_answers_with_a_page_about_csrf",
    ),
    "11 a model that refuses from the head": (
        "ml_proxy/integration/test_upstream_refusals.py::test_it_passes_on_the_answer_of_a_model_that_closes_the_connection",
        "ml_proxy/integration/test_upstream_refusals.py::test_it_passes_on_a_refusal_in_any_form",
    ),
    "12 header values beyond ASCII": (
        "ml_proxy/integration/test_upstream_refusals.py::test_it_passes_on_every_value_of_a_request",
        "ml_proxy/integration/test_upstream_refusals.py::test_it_passes_on_values_of_an_answer_in_utf_8",
        "acceptance/test_wire.py::test_it_refuses_a_field_whose_bytes_do_not_reach_it",
        "acceptance/test_wire.py::test_it_passes_the_bytes_of_an_answers_fields_on",
    ),
    "13 status 101": (
        "ml_proxy/integration/test_upstream_refusals.py::test_it_answers_502_at_once_to_a_change_of_protocol",
        "ml_proxy/integration/test_idempotency_failures.py::test_it_releases_the_key_if_the_model_changes_the_protocol",
    ),
    "14 a database that is read-only": (
        "common/integration/test_database_unavailable.py::test_it_answers_503_to_what_needs_a_write",
        "common/integration/test_database_unavailable.py::test_predictions_and_reads_go_on",
    ),
    "15 ids in any form": (
        "common/integration/test_ids_in_paths.py::test_it_finds_an_inference",
        "common/integration/test_ids_in_paths.py::test_no_path_takes_the_canonical_form_only",
    ),
    "16 a key repeated with another query": (
        "ml_proxy/integration/test_idempotency.py::test_it_refuses_another_query_with_the_same_key",
    ),
    "17 a verdict that is no class": (
        "ml_proxy/integration/test_feedback_classes.py::test_a_label_that_is_no_class_is_a_400_that_lists_the_classes",
        "ml_proxy/integration/test_feedback_classes.py::test_a_version_that_no_longer_serves_has_its_classes_too",
        "ml_proxy/integration/test_feedback_classes.py::test_a_model_server_that_is_away_leaves_the_verdict_to_be_tried_again",
    ),
    "18 REDIS_URL in every dialect": ("acceptance/test_redis_urls.py::test_every_process_takes_it",),
    "19 service links of Kubernetes": (
        "backend/unit/test_settings.py::test_what_can_work_starts",
        "backend/unit/test_settings.py::test_it_reads_the_settings_of_a_server_with_every_service_link_of_kubernetes",
    ),
    "20 secrets in errors of settings": (
        "backend/unit/test_settings.py::test_a_wrong_setting_stops_the_process_with_one_line",
    ),
    "21 PgBouncer in transaction mode": (
        "acceptance/test_pgbouncer.py::test_each_command_works",
        "acceptance/test_pgbouncer.py::test_each_page_works",
    ),
    "22 a renamed folder": ("tools/unit/launch/test_install.py::test_it_notices_that_the_folder_was_moved",),
    "23 a plain retrain after a correction": (
        "ml_server/unit/test_taught_examples.py::test_case_23_a_plain_retrain_keeps_the_correction",
        "ml_server/unit/test_taught_examples.py::test_ten_plain_retrains_with_other_seeds_keep_the_correction_or_say_why_they_wait",
        "ml_proxy/integration/test_taught.py::test_case_23_the_correction_holds_after_plain_scheduled_and_synchronous_retrains",
    ),
    "24 one verdict that costs accuracy": (
        "ml_server/unit/test_taught_examples.py::test_case_24_a_correction_that_costs_accuracy_waits_and_so_does_each_plain_retrain_that_falls",
        "ml_server/unit/test_promotion.py::test_case_24_a_fall_beyond_the_change_plan_waits_although_a_verdict_is_learned",
    ),
    "A1 PostgreSQL stopped or frozen": (
        "acceptance/test_database_away.py::test_known_callers_go_on_and_others_are_told",
        "acceptance/test_database_away.py::test_many_unknown_callers_do_not_hold_the_threads_while_the_database_is_frozen",
    ),
    "A2 anonymous slow callers": (
        "acceptance/test_slow_callers.py::test_half_sent_bodies_are_cut_off",
        "acceptance/test_slow_callers.py::test_dripping_bodies_are_cut_off",
        "acceptance/test_slow_callers.py::test_idle_connections_keep_nobody_out",
    ),
    "A3 bodies over the cap": (
        "acceptance/test_slow_callers.py::test_a_declared_size_over_the_limit_is_refused_before_it_is_read",
        "acceptance/test_slow_callers.py::test_an_endless_body_in_chunks_is_refused_at_the_limit",
    ),
    "A4 unknown users by Basic": (
        "accounts/integration/test_lockout.py::test_many_names_from_one_address_are_throttled",
        "acceptance/test_database_away.py::test_many_wrong_passwords_harm_nobody",
    ),
    "A5 exports that nobody reads": (
        "acceptance/test_slow_callers.py::test_exports_that_nobody_reads_are_cut_off",
        "common/unit/test_stream_turns.py::test_the_cap_is_per_caller",
    ),
    "A6 bodies with very many keys": (
        "acceptance/test_slow_callers.py::test_large_bodies_with_many_keys_take_bounded_memory",
        "ml_server/integration/test_ml_server.py::test_it_answers_soon_after_callers_of_bodies_with_many_keys_left",
    ),
    "A7 a page of another origin": (
        "common/integration/test_other_origins.py::test_a_page_of_another_origin_reaches_nothing_in_open_mode",
        "common/integration/test_other_origins.py::test_a_remembered_password_does_not_help_it",
        "ml_server/unit/test_access.py::test_a_page_or_a_wrong_token_changes_nothing",
    ),
    "A8 direct rows deleted with their origin": (
        "recording/integration/test_verify_log.py::test_it_reports_rows_that_were_written_directly_and_deleted_with_their_origin",
    ),
    "A9 a message without the sealing key": (
        "recording/unit/test_batches.py::test_it_refuses_invalid_values_and_quotes_none_of_them",
        "tools/integration/test_chaos_tampering.py::test_verification_names_it_and_nothing_else",
    ),
    "A10 a lowered head, then a restart": (
        "recording/integration/test_verify_log.py::test_it_reports_newest_rows_deleted_together_with_their_head",
        "recording/integration/test_verify_log.py::test_it_goes_on_to_report_a_lowered_head_once_more_is_written",
    ),
    "A11 a disk that hangs": (
        "acceptance/test_disk_hangs.py::test_predictions_end_at_a_deadline_and_probes_answer",
        "recording/unit/journal/test_writer.py::test_a_disk_that_hangs_ends_appends_at_their_deadline",
    ),
    "A12 a model that sends policies or pages": (
        "ml_proxy/integration/test_model_policies.py::test_its_policies_for_the_origin_are_dropped",
        "ml_proxy/integration/test_model_policies.py::test_its_page_gets_no_rights_on_the_gateways_origin",
        "common/integration/test_security_headers.py::test_every_page_runs_only_files_of_its_own_origin",
    ),
    "A13 beat's last runs a day ahead": (
        "acceptance/test_beat.py::test_it_sends_although_its_last_runs_lie_a_day_ahead",
        "acceptance/test_beat.py::test_readyz_names_it_when_it_does_not_run",
    ),
    "A14 verdicts and dispositions changed by SQL": (
        "ml_proxy/integration/test_feedback_seals.py::test_a_changed_verdict_is_named",
        "recording/integration/test_verify_log.py::test_it_reports_a_changed_reason_or_time_of_a_tombstone",
    ),
    "A15 OPTIONS of the docs": (
        "common/integration/test_wrong_paths.py::test_the_options_of_the_docs_are_a_405",
        "common/integration/test_wrong_paths.py::test_no_path_answers_options_with_an_error_of_the_server",
    ),
    "A16 an unmigrated database; a full Redis": (
        "common/integration/test_database_unavailable.py::test_readiness_says_that_migrations_are_missing",
        "common/integration/test_health.py::test_it_says_that_redis_is_out_of_memory",
    ),
    "A17 an erased name in files and keys": (
        "acceptance/test_erasure.py::test_an_erased_name_is_in_no_file_and_in_no_key",
    ),
}
WITHOUT_TEST: set[str] = set()


def number_of(case: str) -> str:
    return case.split(maxsplit=1)[0]


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def missing(named: tuple[str, ...]) -> Iterator[str]:
    for each in named:
        file, _, name = each.partition("::")
        if not (TESTS / file).exists() or name not in names_in(file):
            yield each


def test_each_row_is_in_the_table_once_and_in_order() -> None:
    assert [number_of(case) for case in CASES] == ROWS


def test_only_rows_that_are_listed_have_no_test() -> None:
    assert {number_of(case) for case, named in CASES.items() if not named} == WITHOUT_TEST


@pytest.mark.parametrize("case", CASES)
def test_the_tests_of_a_case_exist(case: str) -> None:
    assert list(missing(CASES[case])) == []


def test_a_test_that_is_gone_is_found() -> None:
    gone = ("tools/unit/test_field_cases.py::test_no_such", "tools/unit/no_such_file.py::test_x")
    assert tuple(missing((*gone, "tools/unit/test_field_cases.py::test_a_test_that_is_gone_is_found"))) == gone
