"""The checks of a deployment on BigQuery, in the order in which they help."""

from __future__ import annotations

from customer360.doctor import access, bucket, limits, permissions, round_trip
from customer360.doctor.checks import Advice, Check, Finding, Status, passed
from customer360.doctor.patient import Patient


def bigquery_checks(patient: Patient) -> list[Check]:
    return [
        *access.checks(patient),
        *permissions.checks(patient),
        *bucket.checks(patient),
        *limits.checks(patient),
        *round_trip.checks(patient),
        patient.check("Round trip", "nothing left behind", _clean_up, "connection"),
    ]


def will_touch(patient: Patient) -> str:
    """What the checks will make, before they do."""
    text = (
        f"It will start small jobs in Google's project {patient.google_project} (less than a cent in all), make"
        f" tables named c360_doctor_{patient.token}_… that expire in an hour, and a dataset for them if one is missing,"
    )
    if patient.bucket:
        text += f" put two small objects into gs://{patient.bucket},"
    return f"{text} and delete all of it at the end. It touches nothing else there."


def _clean_up(patient: Patient) -> Finding:
    left, error = patient.clean_up()
    if error is None:
        return passed("what was made is deleted; the jobs stay in the project's history for 180 days")
    text = "Tables expire within the hour by themselves; what is in the bucket goes by its lifecycle rule. Or by hand:"
    commands = []
    for what in left:
        if what.startswith("gs://"):
            commands.append(f"gcloud storage rm {what}")
        elif "." in what:
            commands.append(f"bq rm -f -t {patient.google_project}:{what}")
        else:
            commands.append(f"bq rm -r -f -d {patient.google_project}:{what}")
    return Finding(Status.FAILED, f"left: {', '.join(left)}; {error}", Advice(text, tuple(commands)))
