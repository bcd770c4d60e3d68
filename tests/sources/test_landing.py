"""The landing zone in a folder; a bucket's is in test_landing_bucket.py."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from customer360.errors import SettingsError
from customer360.project import TableName
from customer360.sources.landing import FolderLanding, folder_landing

CUSTOMERS, DAY = TableName("raw_crm", "customer_info"), date(2024, 6, 30)


def test_a_file_is_placed_whole_and_others_of_its_date_are_removed(tmp_path: Path) -> None:
    landing = FolderLanding(tmp_path / "landing")
    for batch in ("one", "two"):
        file = tmp_path / "good.parquet"
        file.write_text(batch)
        target = landing.address(CUSTOMERS, DAY, batch)
        landing.place(file, target)
    folder = tmp_path / "landing" / "raw_crm" / "customer_info" / "_loaded_date=2024-06-30"
    landing.remove_others(target)
    assert {file.name: file.read_text() for file in folder.iterdir()} == {"two.parquet": "two"}
    landing.remove_others(target, keep=False)
    assert list(folder.iterdir()) == []
    landing.remove_others(landing.address(TableName("raw_crm", "other"), DAY, "x"))


def test_a_file_that_the_lake_holds_is_not_written_into(tmp_path: Path) -> None:
    landing = FolderLanding(tmp_path)
    target = landing.address(CUSTOMERS, DAY, "batch")
    for text in ("first", "second"):
        (tmp_path / "good.parquet").write_text(text)
        landing.place(tmp_path / "good.parquet", target)
        if text == "first":
            os.link(target, tmp_path / "held")
    assert ((tmp_path / "held").read_text(), Path(target).read_text()) == ("first", "second")


def test_a_bucket_is_not_taken_for_a_folder() -> None:
    with pytest.raises(SettingsError, match="credentials of an Airflow connection"):
        folder_landing("gs://landing/prefix")
