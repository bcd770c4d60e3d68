"""Permissions on datasets and tables one by one, each found by really doing the smallest thing that needs it."""

from __future__ import annotations

import re
from decimal import Decimal

from customer360.doctor.checks import Check, Finding, failed, passed, skipped, warned
from customer360.doctor.patient import Patient
from customer360.doctor.refusals import Deployment, grant, in_googles_words, refusal
from customer360.errors import Customer360Error, WarehouseError
from customer360.project import Column, TableName, TableSpec

ON_TABLES = (
    "bigquery.tables.create", "bigquery.tables.get", "bigquery.tables.list", "bigquery.tables.updateData",
    "bigquery.tables.getData", "bigquery.tables.update", "bigquery.tables.delete",
)  # fmt: skip


def checks(patient: Patient) -> list[Check]:
    return [*_on_datasets(patient), *_on_tables(patient)]


def _on_datasets(patient: Patient) -> list[Check]:
    group, api = "Permissions", "BigQuery API"
    jobs, get, create = "bigquery.jobs.create", "bigquery.datasets.get", "bigquery.datasets.create"
    return [
        patient.check(group, jobs, _dry_run, api, permission=jobs),
        patient.check(group, get, _look_at_datasets, api, permission=get),
        patient.check(group, "location of datasets", _locations, get),
        patient.check(group, create, _create_dataset, get, permission=create),
    ]


def _on_tables(patient: Patient) -> list[Check]:
    group, jobs, create = "Permissions", "bigquery.jobs.create", "bigquery.tables.create"
    tagging = "policy tag"
    table = [
        patient.check(group, create, _create_table, "bigquery.datasets.get", permission=create),
        patient.check(group, ON_TABLES[1], _get_table, create, permission=ON_TABLES[1]),
        patient.check(group, ON_TABLES[2], _list_tables, create, permission=ON_TABLES[2]),
        patient.check(group, ON_TABLES[3], _load, create, jobs, permission=ON_TABLES[3]),
        patient.check(group, ON_TABLES[4], _query, create, jobs, permission=ON_TABLES[4]),
        patient.check(group, ON_TABLES[5], _describe, create, permission=ON_TABLES[5]),
    ]
    if patient.settings.google_policy_tag:
        needs = (ON_TABLES[5], ON_TABLES[4])
        table.append(patient.check(group, tagging, _tag, *needs, permission="bigquery.tables.setCategory"))
    return [
        *table,
        patient.check(group, ON_TABLES[6], _drop, create, permission=ON_TABLES[6]),
        patient.check(group, "all datasets", _everywhere, create, ON_TABLES[6], permission=create),
    ]


# -- datasets


def _dry_run(patient: Patient) -> Finding:
    patient.warehouse.estimate("SELECT 1 AS one")
    return passed("a query, without running it")


def _look_at_datasets(patient: Patient) -> Finding:
    from google.api_core.exceptions import NotFound

    for name in patient.datasets:
        with patient.asking(f"look at dataset {name}"):
            try:
                patient.existing[name] = patient.client.get_dataset(patient.dataset(name))
            except NotFound:
                continue
    if "ops" in patient.existing:
        patient.place = "ops"
    elif patient.existing:
        patient.place = next(iter(patient.existing))
    missing = [name for name in patient.datasets if name not in patient.existing]
    if not missing:
        return passed(f"all {len(patient.datasets)} datasets are there")
    if not patient.existing:
        return passed(f"none of the {len(missing)} datasets is there yet; a run will create them")
    return passed(f"{len(patient.existing)} datasets are there; a run will create {', '.join(missing)}")


def _locations(patient: Patient) -> Finding:
    wanted = patient.settings.google_location
    where = {name: dataset.location or "" for name, dataset in patient.existing.items()}
    astray = {name: place for name, place in where.items() if place.lower() != wanted.lower()}
    if not where:
        return skipped("there is no dataset yet")
    if not astray:
        return passed(f"all in {wanted}")
    detail = f"jobs run in {wanted}, but " + ", ".join(f"{name} is in {place}" for name, place in astray.items())
    text = "A BigQuery job reads and writes in one location only. "
    if len(astray) == len(where) and len(set(astray.values())) == 1:
        return failed(
            detail, f"{text}Run where the data is:", f"export C360_GOOGLE_LOCATION={next(iter(astray.values()))}"
        )
    return failed(
        detail,
        f"{text}A dataset cannot move: if nothing needs those, remove them (this deletes what they hold), and the next"
        " run makes them anew.",
        *(f"bq rm -r -d {patient.google_project}:{name}" for name in astray),
    )


def _create_dataset(patient: Patient) -> Finding:
    if len(patient.existing) == len(patient.datasets):
        return skipped("not needed: every dataset is there")
    made = patient.make_dataset()
    if patient.place is None:
        patient.place = patient.scratch_dataset
    detail = f"{patient.scratch_dataset}, in {made.location}"
    if made.default_partition_expiration_ms:
        days = made.default_partition_expiration_ms / 86_400_000
        return warned(
            f"{detail}; the project lets new partitions expire after {days:.0f} days",
            "So it is in BigQuery's sandbox, without a billing account, or an administrator set a default: tables and"
            " history vanish after that time. In the sandbox, link a billing account (ACCOUNT from `gcloud billing"
            " accounts list`), then remove the expiration of each dataset.",
            f"gcloud billing projects link {patient.google_project} --billing-account=ACCOUNT",
        )
    return passed(detail)


# -- tables


def probe(
    patient: Patient, *, personal: bool = False, description: str = "One row per visit of c360 doctor."
) -> TableSpec:
    columns = (Column("note", "STRING", "What was written.", pii=personal), Column("amount", "NUMERIC", "A number."))
    return TableSpec(patient.scratch("probe"), columns, description)


def _create_table(patient: Patient) -> Finding:
    if patient.place is None:
        return skipped("it needs a dataset, and there is none")
    patient.make_table(probe(patient))
    return passed(f"{probe(patient).name}, empty, expires in an hour")


def _get_table(patient: Patient) -> Finding:
    found = patient.warehouse.columns(probe(patient).name)
    if found != probe(patient).schema:
        raise WarehouseError(f"{probe(patient).name} should have {probe(patient).schema}, but has {found}")
    return passed("its columns are as created")


def _list_tables(patient: Patient) -> Finding:
    name = probe(patient).name
    if name not in patient.warehouse.tables(name.dataset):
        raise WarehouseError(f"{name} was created, but is not among the tables of {name.dataset}")
    return passed(f"of {name.dataset}")


def _load(patient: Patient) -> Finding:
    import pyarrow as pa

    spec = probe(patient)
    patient.warehouse.append(spec, pa.table({"note": ["hello"], "amount": [Decimal("1.5")]}, schema=spec.arrow_schema))
    return passed("one row, by a load job from this machine")


def _query(patient: Patient) -> Finding:
    rows = patient.warehouse.query(f"SELECT note, amount FROM {probe(patient).name}")
    return passed(f"{rows.num_rows} row{'s' if rows.num_rows != 1 else ''}, by a query job")


def _describe(patient: Patient) -> Finding:
    patient.warehouse.ensure([probe(patient, description="One row per visit, described anew.")])
    return passed("a new description")


def _tag(patient: Patient) -> Finding:
    """Set the tag, then read under it: the pipeline reads the personal columns that it writes."""
    tag = patient.settings.google_policy_tag
    where = re.search(r"/locations/([^/]+)/", tag)
    if where and where[1].lower() != patient.settings.google_location.lower():
        return failed(
            f"the tag is in {where[1]}, the datasets are in {patient.settings.google_location}",
            "A policy tag works in its own location only. Replicate the taxonomy, or choose a tag in"
            f" {patient.settings.google_location}; C360_GOOGLE_POLICY_TAG names it.",
        )
    spec = probe(patient, personal=True)
    patient.warehouse.ensure([spec])
    try:
        patient.warehouse.query(f"SELECT note FROM {spec.name}")
    except WarehouseError as error:
        return failed(
            str(error),
            "The tag can be set, but the account may not read what is under it, and models read personal columns."
            " In the console: BigQuery → Policy tags → the tag → Add principal, role Fine-Grained Reader (terraform/"
            " gives it with `pii_readers`). Or for all tags of the tag's project:",
            f"gcloud projects add-iam-policy-binding {tag.split('/')[1]} --member={patient.member}"
            " --role=roles/datacatalog.categoryFineGrainedReader",
        )
    return passed("set on a column, and the column can be read")


def _drop(patient: Patient) -> Finding:
    patient.drop(probe(patient).name)
    return passed("the table is gone")


def _everywhere(patient: Patient) -> Finding:
    """Roles may be given per dataset: see each."""
    others = [name for name in patient.existing if name != patient.place]
    if not others:
        return skipped("there is no other dataset yet")
    refused: dict[str, Customer360Error] = {}
    for dataset in others:
        spec = TableSpec(TableName(dataset, probe(patient).name.table), probe(patient).columns, "")
        try:
            patient.make_table(spec)
            patient.drop(spec.name)
        except Customer360Error as error:
            refused[dataset] = error
    if not refused:
        return passed(f"a table can be created in, and deleted from, each of {', '.join(others)}")
    at = Deployment(patient.google_project, patient.settings.google_location, patient.member)
    commands = [command for name in refused for command in grant("bigquery.tables.create", at, dataset=name).commands]
    first = next(iter(refused.values()))
    found = refusal(first)
    return failed(
        f"refused in {', '.join(refused)}: {in_googles_words(first, found) if found else first}",
        f"The account lacks rights there that it has in {patient.place}. Somebody who administers the project can"
        " give them; terraform/ does.",
        *commands,
    )
