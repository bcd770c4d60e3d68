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


_WHO = (
    Column("run_by", "STRING", "Who started the run: Airflow's user, or the machine's; NULL where a schedule did."),
    Column("run_type", "STRING", "scheduled, manual, backfill … as Airflow has it, or command line."),
)
_BEFORE = Column("rows_before", "INT64", "Rows in the table before; NULL where there was none.")
_CODE = "Version of this package, with the project's commit where it is known."

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
        Column("drift", "ARRAY<STRING>", "Columns of the source that nothing reads, and changes: one sentence each."),
        Column("seconds", "FLOAT64", "Duration."),
        Column("finished_at", "TIMESTAMP", "When the load was committed.", required=True),
        *_WHO,
        _BEFORE,
        Column("rows_after", "INT64", "Rows in the table after, all dates together."),
        Column("code_version", "STRING", _CODE),
        Column(
            "source_columns",
            "ARRAY<STRUCT<name STRING, type STRING, filled BOOL>>",
            "The source's columns in its order; filled: whether any row had a value. Empty where there was no row.",
        ),
    ),
)

SCHEMA_CHANGES = TableSpec(
    name=TableName("ops", "schema_changes"),
    description=(
        "How a source's columns changed between loads; the same change on following days is told once."
        " One row per change."
    ),
    columns=(
        *_RUN,
        Column("table_name", "STRING", "The raw table.", required=True),
        Column("column_name", "STRING", "The source's column; NULL for the order of all."),
        Column("kind", "STRING", "new, missing, renamed (a guess), retyped, reordered or newly null.", required=True),
        Column("before", "STRING", "Type, name or order in the last load of an earlier date."),
        Column("after", "STRING", "Type, name or order now."),
        Column("action", "STRING", "What the load did about it.", required=True),
        Column("seen_at", "TIMESTAMP", "When.", required=True),
    ),
)

DATA_QUALITY = TableSpec(
    name=TableName("ops", "data_quality"),
    description=(
        "Results of expectations and of row counts, before publishing, and how fresh sources were, after loading."
        " One row per expectation and audit, and per load whose binding asks for freshness."
    ),
    columns=(
        *_RUN,
        Column("table_name", "STRING", "The table that was about to be published, or was loaded.", required=True),
        Column("expectation", "STRING", "Great Expectations type; row_count_band; freshness.", required=True),
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
        Column("code_version", "STRING", _CODE),
        Column("published_at", "TIMESTAMP", "When.", required=True),
        *_WHO,
        _BEFORE,
        Column("table_version", "STRING", "Which writing of the table it is: ops.writes says what that changed."),
    ),
)

WRITES = TableSpec(
    name=TableName("ops", "writes"),
    description=(
        "What each writing of an incremental table, and of what such tables read, changed against the published table"
        " that it is based on. One row per writing."
    ),
    columns=(
        *_RUN,
        Column("table_name", "STRING", "The table, whose candidate was written.", required=True),
        Column("table_version", "STRING", "Which writing this is.", required=True),
        Column("base_version", "STRING", "The published writing that it differs from; NULL for the first."),
        Column("content", "STRING", "Digest of query, columns and settings.", required=True),
        Column(
            "change", "STRING", "all: nothing else is known; some: the partitions or days named; none.", required=True
        ),
        Column("partitions", "ARRAY<DATE>", "First days of the partitions that were rebuilt; empty for all or none."),
        Column("touched", "ARRAY<STRUCT<column_name STRING, day DATE>>", "For change some: days with changed rows."),
        Column("due", "ARRAY<STRUCT<column_name STRING, day DATE, due DATE>>", "Days whose rows count only later."),
        Column("inputs", "ARRAY<STRUCT<table_name STRING, table_version STRING>>", "What it was made from."),
        Column("reasons", "ARRAY<STRING>", "Why so much, one sentence each."),
        Column("written_at", "TIMESTAMP", "When.", required=True),
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
        Column("code_version", "STRING", _CODE),
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
        Column("code_version", "STRING", _CODE),
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
        Column("code_version", "STRING", _CODE),
        Column("checked_at", "TIMESTAMP", "When.", required=True),
    ),
)

OPS_TABLES = (LOADS, SCHEMA_CHANGES, DATA_QUALITY, PUBLISHED, WRITES, JOBS, MODEL_FITS, MODEL_QUALITY)

# What loads and publishes say of themselves, together with what they cost: a view, so that nothing is said twice.
RUNS = TableSpec(
    name=TableName("ops", "runs"),
    description=(
        "Who changed which table, when, with which code, from how many rows to how many, and what it cost."
        " One row per run, operation and table."
    ),
    columns=(
        *_RUN,
        Column("dag_id", "STRING", "The Dag, or c360 for the command line; NULL where the cost could not be noted."),
        *_WHO,
        Column("operation", "STRING", "load (into a raw table) or publish (a model's table).", required=True),
        Column("table_name", "STRING", "The table that people read.", required=True),
        _BEFORE,
        Column("rows_after", "INT64", "Rows in the table after."),
        Column("times", "INT64", "How often the run did it: more than once where a task was cleared."),
        Column("bytes_processed", "INT64", "Bytes read by all jobs of the run for this table, where the engine says."),
        Column("bytes_billed", "INT64", "Bytes billed; NULL for what is free."),
        Column("seconds", "FLOAT64", "Duration of the load, or of writing and publishing together."),
        Column("code_version", "STRING", _CODE),
        Column("finished_at", "TIMESTAMP", "When it was done, the last time.", required=True),
    ),
)
RUNS_SQL = """
WITH changes AS (
  SELECT
    run_id, loaded_date AS run_date, run_by, run_type, 'load' AS operation, table_name, rows_before, rows_after,
    code_version, finished_at
  FROM ops.loads
  UNION ALL
  SELECT
    run_id, run_date, run_by, run_type, 'publish' AS operation, table_name, rows_before, row_count AS rows_after,
    code_version, published_at AS finished_at
  FROM ops.published
),
last_changes AS (
  SELECT
    run_id, run_date, run_by, run_type, operation, table_name, rows_after, code_version, finished_at,
    FIRST_VALUE(rows_before) OVER in_order AS rows_before,
    COUNT(*) OVER (PARTITION BY run_id, run_date, operation, table_name) AS times,
    ROW_NUMBER() OVER (PARTITION BY run_id, run_date, operation, table_name ORDER BY finished_at DESC) AS position
  FROM changes
  WINDOW in_order AS (
    PARTITION BY run_id, run_date, operation, table_name ORDER BY finished_at
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  )
),
costs AS (
  SELECT
    run_id, run_date, table_name, IF(operation = 'load', 'load', 'publish') AS operation, MAX(dag_id) AS dag_id,
    SUM(bytes_processed) AS bytes_processed, SUM(bytes_billed) AS bytes_billed, SUM(seconds) AS seconds
  FROM ops.jobs
  GROUP BY run_id, run_date, table_name, IF(operation = 'load', 'load', 'publish')
)
SELECT
  last_changes.run_id, last_changes.run_date, costs.dag_id, last_changes.run_by, last_changes.run_type,
  last_changes.operation, last_changes.table_name, last_changes.rows_before, last_changes.rows_after,
  last_changes.times, costs.bytes_processed, costs.bytes_billed, costs.seconds, last_changes.code_version,
  last_changes.finished_at
FROM last_changes
LEFT JOIN costs
  ON
    last_changes.run_id = costs.run_id
    AND last_changes.run_date = costs.run_date
    AND last_changes.operation = costs.operation
    AND last_changes.table_name = costs.table_name
WHERE last_changes.position = 1
"""
