"""The platform's own tables: what was refused, loaded, checked and published. Logs are only ever appended to."""

from __future__ import annotations

from customer360.project.model import Column, Contract, Partition, TableSpec
from customer360.project.names import TableName

_RUN = (
    Column("run_id", "STRING", "Airflow's run id, or manual__… from the command line.", required=True),
    Column("run_date", "DATE", "Logical date D of the run.", required=True),
)


def quarantine_spec(contract: Contract) -> TableSpec:
    """Where the refused rows and cells of a contract go: `quarantine.<system>__<table>`."""
    return TableSpec(
        name=TableName("quarantine", f"{contract.system}__{contract.name.table}"),
        description=f"Refused by the contract of {contract.name}. One row per refused row or cell.",
        partition=Partition("_loaded_date"),
        columns=(
            Column("kind", "STRING", "row: the whole row was refused; cell: the row loaded with NULL in its place."),
            Column("column_name", "STRING", "The column at fault; NULL where the line itself is broken."),
            Column("reason", "STRING", "Why, such as 'key is missing'."),
            Column("key", "STRING", "The row's key values as JSON, where they could be read.", pii=True),
            Column("value", "STRING", "The refused value as it arrived.", pii=True),
            Column("raw", "STRING", "The row as it arrived: the line of text, or JSON.", pii=True),
            Column("line", "INT64", "Line or row number in the source file; NULL for databases."),
            Column("_loaded_date", "DATE", "Logical date of the load.", required=True),
            Column("_loaded_at", "TIMESTAMP", "When the load wrote the row.", required=True),
            Column("_batch_id", "STRING", "The load.", required=True),
            Column("_source", "STRING", "File or table the row came from.", required=True),
        ),
    )


LOADS = TableSpec(
    name=TableName("ops", "loads"),
    description="What each load read and refused; the latest row per table and date is in force. One row per load.",
    columns=(
        Column("table_name", "STRING", "The raw table, such as raw_crm.customer_info.", required=True),
        Column("loaded_date", "DATE", "Logical date.", required=True),
        Column("run_id", "STRING", "Airflow's run id, or manual__… from the command line.", required=True),
        Column("batch_id", "STRING", "Value of _batch_id in the rows.", required=True),
        Column("mode", "STRING", "snapshot, cursor or file_date."),
        Column("window_from", "DATE", "First day of the window; NULL reads from the beginning."),
        Column("rows_read", "INT64", "Rows in the source within the window; loaded + quarantined."),
        Column("rows_loaded", "INT64", "Rows in the partition."),
        Column("rows_quarantined", "INT64", "Rows refused."),
        Column("cells_quarantined", "INT64", "Optional values replaced by NULL."),
        Column("drift", "ARRAY<STRING>", "New columns seen in the source, one sentence each."),
        Column("seconds", "FLOAT64", "Duration."),
        Column("finished_at", "TIMESTAMP", "When the load was committed.", required=True),
    ),
)

DATA_QUALITY = TableSpec(
    name=TableName("ops", "data_quality"),
    description="Results of expectations, before publishing. One row per expectation and audit.",
    columns=(
        *_RUN,
        Column("table_name", "STRING", "The table that was about to be published.", required=True),
        Column("expectation", "STRING", "Great Expectations type.", required=True),
        Column("column_name", "STRING", "Column or columns it is about."),
        Column("description", "STRING", "The expectation in words."),
        Column("severity", "STRING", "critical stops the publish; warning and info are recorded.", required=True),
        Column("success", "BOOL", "Whether it held.", required=True),
        Column("rows_checked", "INT64", "Rows looked at."),
        Column("rows_unexpected", "INT64", "Rows that should not exist."),
        Column("observed", "STRING", "Observed value, as JSON."),
        Column("sample_keys", "ARRAY<STRING>", "Keys of a few unexpected rows, never their content."),
        Column("checked_at", "TIMESTAMP", "When.", required=True),
    ),
)

PUBLISHED = TableSpec(
    name=TableName("ops", "published"),
    description="Which run each table is at; the latest row per table is in force. One row per table and publish.",
    columns=(
        *_RUN,
        Column("table_name", "STRING", "The published table.", required=True),
        Column("row_count", "INT64", "Rows in the published table."),
        Column("code_version", "STRING", "Version of this package that built it."),
        Column("published_at", "TIMESTAMP", "When.", required=True),
    ),
)

JOBS = TableSpec(
    name=TableName("ops", "jobs"),
    description="What each step on the warehouse cost. One row per load, write and publish of a table.",
    columns=(
        *_RUN,
        Column("dag_id", "STRING", "The Dag, or c360 for the command line.", required=True),
        Column("task_id", "STRING", "The task; NULL from the command line."),
        Column("operation", "STRING", "load, write (of a candidate) or publish.", required=True),
        Column("table_name", "STRING", "The table, whose candidate a write makes.", required=True),
        Column("row_count", "INT64", "Rows in the table or partition after it."),
        Column("bytes_processed", "INT64", "Bytes read, where the engine says."),
        Column("bytes_billed", "INT64", "Bytes that a query is billed for; NULL for what is free."),
        Column("slot_ms", "INT64", "Computing time of a query in slot milliseconds; NULL where there are none."),
        Column("seconds", "FLOAT64", "Duration."),
        Column("job_id", "STRING", "The warehouse's job, where it has one."),
        Column("url", "STRING", "Where to look at the job."),
        Column("code_version", "STRING", "Version of this package."),
        Column("finished_at", "TIMESTAMP", "When.", required=True),
    ),
)

OPS_TABLES = (LOADS, DATA_QUALITY, PUBLISHED, JOBS)
