"""The platform's own tables: what was refused, loaded, checked, published, fitted. Logs are only appended to."""

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
        Column("table_version", "STRING", "Which writing of the table was looked at; only that one is published."),
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

MODEL_FITS = TableSpec(
    name=TableName("ops", "model_fits"),
    description="Fits of statistical models; a build uses the latest dated on or before its run date. One row per fit.",
    columns=(
        *_RUN,
        Column("model", "STRING", "bg_nbd_gamma_gamma.", required=True),
        Column("fitted_on", "DATE", "Last day whose purchases the fit has seen.", required=True),
        Column("data_from", "DATE", "First day, of the first purchase of all.", required=True),
        Column("customers", "INT64", "People who had bought."),
        Column("repeat_buyers", "INT64", "People who had bought on more than one day."),
        Column("r", "FLOAT64", "BG/NBD: shape of the purchase rate among customers."),
        Column("alpha", "FLOAT64", "BG/NBD: its scale, in weeks."),
        Column("a", "FLOAT64", "BG/NBD: first parameter of the dropout probability among customers."),
        Column("b", "FLOAT64", "BG/NBD: its second parameter."),
        Column("log_likelihood", "FLOAT64", "BG/NBD: of the data at these parameters."),
        Column("p", "FLOAT64", "Gamma-Gamma: shape of a customer's values; NULL where too few values are known."),
        Column("q", "FLOAT64", "Gamma-Gamma: shape of their scale among customers."),
        Column("v", "FLOAT64", "Gamma-Gamma: its scale, in the reporting currency."),
        Column("value_log_likelihood", "FLOAT64", "Gamma-Gamma: of the data at these parameters."),
        Column("medium_above", "NUMERIC", "Churn risk above which the band is medium: the 40th percentile at the fit."),
        Column("high_above", "NUMERIC", "Churn risk above which the band is high: the 75th percentile at the fit."),
        Column("diagnostics", "STRING", "Convergence, standard errors and bounds, as JSON."),
        Column("code_version", "STRING", "Version of this package."),
        Column("fitted_at", "TIMESTAMP", "When.", required=True),
    ),
)

MODEL_QUALITY = TableSpec(
    name=TableName("ops", "model_quality"),
    description="Predicted against actual purchases of days held out. One row per check, and per decile of it.",
    columns=(
        *_RUN,
        Column("model", "STRING", "bg_nbd_gamma_gamma.", required=True),
        Column("fitted_on", "DATE", "Last day whose purchases the fit had seen.", required=True),
        Column("compared_until", "DATE", "Last day of those held out.", required=True),
        Column("decile", "INT64", "1 for the tenth of whom most was expected, to 10; NULL for everybody."),
        Column("customers", "INT64", "People who had bought by fitted_on."),
        Column("predicted_purchases", "NUMERIC", "Purchase days expected of them in the days held out."),
        Column("actual_purchases", "INT64", "Purchase days that came."),
        Column("error", "NUMERIC", "(predicted - actual) / actual; NULL where nobody bought."),
        Column("warning", "BOOL", "Whether off by more than 20 % of the actual; NULL for a decile."),
        Column("code_version", "STRING", "Version of this package."),
        Column("checked_at", "TIMESTAMP", "When.", required=True),
    ),
)

OPS_TABLES = (LOADS, DATA_QUALITY, PUBLISHED, JOBS, MODEL_FITS, MODEL_QUALITY)
