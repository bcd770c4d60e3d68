"""The landing bucket: where it is, and permissions one by one."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from customer360.doctor.checks import Check, Finding, failed, passed, skipped
from customer360.doctor.patient import Patient
from customer360.doctor.refusals import Deployment, grant
from customer360.project import TableName

if TYPE_CHECKING:
    from customer360.sources.landing import BucketLanding

ON_OBJECTS = ("storage.objects.create", "storage.objects.list", "storage.objects.get", "storage.objects.delete")
_DAY = date(2024, 1, 1)


def checks(patient: Patient) -> list[Check]:
    if not patient.bucket:
        return []
    group, bucket, create = "Permissions", "landing bucket", ON_OBJECTS[0]
    return [
        patient.check(group, bucket, _bucket, "connection", "network"),
        patient.check(group, "location of the bucket", _bucket_location, bucket),
        patient.check(group, create, _put, bucket, permission=create),
        patient.check(group, ON_OBJECTS[1], _list, bucket, permission=ON_OBJECTS[1]),
        patient.check(group, ON_OBJECTS[2], _read, create, permission=ON_OBJECTS[2]),
        patient.check(group, ON_OBJECTS[3], _remove, bucket, permission=ON_OBJECTS[3]),
    ]


def _landing(patient: Patient) -> BucketLanding:
    from customer360.sources.landing import BucketLanding

    assert isinstance(patient.landing, BucketLanding)
    return patient.landing


def _target(patient: Patient) -> str:
    return _landing(patient).address(TableName("c360_doctor", patient.token), _DAY, "probe")


def _bucket(patient: Patient) -> Finding:
    """Whether it is there, and what the account may do in it: a right to delete is known before anything is put."""
    with patient.asking(f"look at gs://{patient.bucket}"):
        granted = _landing(patient).bucket.test_iam_permissions(ON_OBJECTS)
    patient.denied = frozenset(ON_OBJECTS) - frozenset(granted)
    return passed(f"gs://{patient.bucket} is there")


def _bucket_location(patient: Patient) -> Finding:
    from google.api_core.exceptions import Forbidden

    bucket = _landing(patient).bucket
    with patient.asking(f"look at gs://{patient.bucket}"):
        try:
            bucket.reload()
        except Forbidden:
            return skipped("it may not be looked at (storage.buckets.get), which nothing else needs; a load will tell")
    location, wanted = str(bucket.location).upper(), patient.settings.google_location.upper()
    if readable_from(location, wanted):
        return passed(location)
    name = f"{patient.google_project}-c360-landing-{wanted.lower()}"
    return failed(
        f"the bucket is in {location}, the datasets are in {wanted}",
        "BigQuery loads from a bucket in the datasets' own region, or inside of their multi-region. Make another bucket"
        " there, and let C360_LANDING name it:",
        f"gcloud storage buckets create gs://{name} --location={wanted}"
        f" --project={patient.google_project} --uniform-bucket-level-access --public-access-prevention",
        f"export C360_LANDING=gs://{name}",
    )


def readable_from(bucket: str, datasets: str) -> bool:
    """Google's rule for loads: the same region, or a bucket within the datasets' multi-region; the multi-region US
    takes any. https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#limitations"""
    if datasets in ("US", bucket):
        return True
    return datasets == "EU" and (bucket.startswith("EUROPE-") or bucket in ("EUR4", "EUR5", "EUR7", "EUR8"))


def _denied(patient: Patient, permission: str) -> Finding | None:
    if permission not in patient.denied:
        return None
    at = Deployment(patient.google_project, patient.settings.google_location, patient.member, patient.bucket)
    advice = grant(permission, at)
    return failed(f"Google says that it is not granted on gs://{patient.bucket}", advice.text, *advice.commands)


def _put(patient: Patient) -> Finding:
    if refused := _denied(patient, ON_OBJECTS[0]):
        return refused
    if ON_OBJECTS[3] in patient.denied or ON_OBJECTS[1] in patient.denied:
        return skipped("nothing is put where it could not be deleted again")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "probe.txt"
        file.write_text("c360 doctor\n", encoding="utf-8")
        _landing(patient).place(file, patient.will_land(_target(patient)))
    return passed(_target(patient))


def _list(patient: Patient) -> Finding:
    if refused := _denied(patient, ON_OBJECTS[1]):
        return refused
    prefix = _target(patient).removeprefix(f"gs://{patient.bucket}/")
    with patient.asking(f"list gs://{patient.bucket}"):
        found = len([*_landing(patient).bucket.list_blobs(prefix=prefix)])
    return passed(f"{found} object{'s' if found != 1 else ''} of this visit")


def _read(patient: Patient) -> Finding:
    """BigQuery's load jobs read with the rights of who starts them."""
    if refused := _denied(patient, ON_OBJECTS[2]):
        return refused
    name = _target(patient).removeprefix(f"gs://{patient.bucket}/")
    with patient.asking(f"read {_target(patient)}"):
        content = _landing(patient).bucket.blob(name).download_as_bytes()
    return passed(f"{len(content)} bytes")


def _remove(patient: Patient) -> Finding:
    if refused := _denied(patient, ON_OBJECTS[3]):
        return refused
    patient.unland(_target(patient))
    return passed("the object is gone")
