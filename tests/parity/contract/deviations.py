"""Where the deviations of `docs/mlflow-compatibility.md` show, besides the differential suite.

What deviates, and why, is data in `tests/parity/differential/deviations.py`; here is which recorded
answers a deviation explains, and which test proves those that a recording cannot show.
"""

RECORDED: dict[int, tuple[str, ...]] = {
    1: ("sklearn_clf/ct-missing",),
    2: ("sklearn_clf/ct-trailing-semicolon",),
    3: (
        "sklearn_clf/ct-charset-latin1",
        "sklearn_clf/ct-unknown-param",
        "sklearn_clf/ct-empty",
        "sklearn_clf/ct-jsonlines",
        "sklearn_clf/ct-json-suffix",
    ),
    6: (
        "pyfunc_out_kinds/np_timedelta64",
        "pyfunc_out_kinds/np_complex",
        "pyfunc_out_kinds/df_tuple_cols",
        "pyfunc_out_kinds/list_of_df",
        "pyfunc_out_kinds/list_of_series",
        "pyfunc_out_kinds/dict_np_int_key",
        "pyfunc_out_kinds/dict_tuple_key",
        "pyfunc_out_kinds/dict_df",
        "pyfunc_out_kinds/pd_na",
        "pyfunc_out_kinds/timedelta",
        "pyfunc_out_kinds/decimal",
        "pyfunc_out_kinds/uuid",
        "pyfunc_out_kinds/set",
        "pyfunc_out_kinds/complex",
        "pyfunc_out_kinds/sparse_csr",
    ),
    8: ("sklearn_clf/ping-slash",),
}
"""Number of the deviation -> ids of the records that it explains."""

PROVED_BY: dict[int, tuple[str, ...]] = {
    7: (
        "tests/parity/contract/test_deviations.py::test_errors_hold_neither_the_payload_nor_a_traceback",
        "tests/handler/requests/test_model_errors.py::test_a_models_own_error_keeps_its_status_and_keys",
    ),
    9: (
        "tests/handler/web/test_fastapi_app.py::test_a_model_that_is_not_there_is_a_503_that_names_no_bucket",
        "tests/handler/web/test_fastapi_app.py::test_a_request_that_takes_too_long_is_a_504",
    ),
    10: (
        "tests/handler/requests/test_parquet.py::test_a_bundle_without_a_reader_says_how_to_get_one",
    ),
    11: (
        "tests/handler/web/test_fastapi_app.py::test_the_documentation_shows_the_models_own_example",
        "tests/handler/web/test_fastapi_app.py::test_an_unknown_path_is_not_found",
    ),
    12: (
        "tests/handler/requests/test_model_errors.py::test_a_module_that_the_function_lacks_is_no_fault_of_the_request",
    ),
}
"""Number of a deviation that no recorded or generated request can show -> its tests."""
