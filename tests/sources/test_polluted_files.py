"""A corpus of polluted files. Of each is said exactly what loads, what is refused and why, or that nothing loads."""

from __future__ import annotations

import re

import pytest

from customer360.errors import SourceError
from sources import polluted_csv, polluted_csv_values, polluted_ndjson, polluted_parquet
from sources.polluted import Case, read

CASES = (*polluted_csv.CASES, *polluted_csv_values.CASES, *polluted_ndjson.CASES, *polluted_parquet.CASES)


def test_the_corpus_is_large_and_no_name_is_there_twice() -> None:
    names = [case.name for case in CASES]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_polluted_file(case: Case) -> None:
    if case.error:
        with pytest.raises(SourceError, match=case.error) as caught:
            read(case.files, case.options)
        assert caught.value.retry_helps == case.retry
        assert not re.search(r"LINE 1|state machine|/tmp/", str(caught.value)), "a sentence, not a parser's dump"
        return
    outcome = read(case.files, case.options)
    assert outcome.rows == case.rows
    assert outcome.refusals == case.refused
    assert outcome.result.drift == case.drift
    result, kinds = outcome.result, [entry["kind"] for entry in outcome.refused]
    assert result.rows_read == result.rows_loaded + result.rows_quarantined
    assert (result.rows_loaded, result.rows_quarantined) == (len(outcome.rows), kinds.count("row"))
    assert result.cells_quarantined == kinds.count("cell")
    assert all(entry["raw"] for entry in outcome.refused), "what is refused is kept as it arrived"
