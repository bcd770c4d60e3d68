"""What Google says when it refuses, and what to do about it: the command to paste, with the real names in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from customer360.doctor.checks import Advice

UNKNOWN = "MEMBER"
DATA_EDITOR = "roles/bigquery.dataEditor"
OBJECT_USER = "roles/storage.objectUser"
# Permission → the narrowest predefined role that has it. https://cloud.google.com/iam/docs/roles-permissions
ROLES = {
    "bigquery.jobs.create": "roles/bigquery.jobUser",
    "bigquery.datasets.create": "roles/bigquery.user",
    "bigquery.datasets.get": DATA_EDITOR,
    "bigquery.tables.create": DATA_EDITOR,
    "bigquery.tables.get": DATA_EDITOR,
    "bigquery.tables.list": DATA_EDITOR,
    "bigquery.tables.getData": DATA_EDITOR,
    "bigquery.tables.update": DATA_EDITOR,
    "bigquery.tables.updateData": DATA_EDITOR,
    "bigquery.tables.delete": DATA_EDITOR,
    "bigquery.tables.setCategory": "roles/bigquery.dataOwner",
    "storage.objects.create": OBJECT_USER,
    "storage.objects.get": OBJECT_USER,
    "storage.objects.list": OBJECT_USER,
    "storage.objects.delete": OBJECT_USER,
    "serviceusage.services.use": "roles/serviceusage.serviceUsageConsumer",
}
_PERMISSION = re.compile(r"\b[a-z]+\.[a-z]+\.[a-zA-Z]+\b")
_DATASET = re.compile(r"\b(?:Dataset|Table|View) [\w:.-]+[:.](\w+)", re.IGNORECASE)
_SERVICE = re.compile(r"\b([a-z]+)\.googleapis\.com\b")
_SOON = "IAM takes a minute or two, sometimes seven, to apply a change; then run this again."


@dataclass(frozen=True)
class Refusal:
    """What Google's client raised. `code` is the HTTP status, None where there was no answer at all."""

    code: int | None
    reason: str
    message: str
    kind: str

    @property
    def permission(self) -> str | None:
        """The permission that the message names, where it is one that is used here."""
        return next((found for found in _PERMISSION.findall(self.message) if found in ROLES), None)

    @property
    def dataset(self) -> str | None:
        found = _DATASET.search(self.message)
        return found[1] if found else None


@dataclass(frozen=True)
class Deployment:
    """The names that commands are made of."""

    project: str
    location: str
    member: str
    bucket: str = ""
    connection: str = "google_cloud_default"


def refusal(error: BaseException) -> Refusal | None:
    """What is at the bottom of one of our errors; None where Google's client raised nothing."""
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.cloud.storage.exceptions import InvalidResponse

    from customer360.warehouse.bigquery_errors import ERRORS, reason_and_message

    for each in _causes(error):
        if isinstance(each, (*ERRORS, InvalidResponse)):
            reason, message = reason_and_message(each)
            code = getattr(each, "code", None) or getattr(getattr(each, "response", None), "status_code", None)
            if isinstance(code, int):
                return Refusal(int(code), reason, message, "answer")
            known = isinstance(each, GoogleAuthError) and not isinstance(each, TransportError)
            return Refusal(None, reason, message, "credentials" if known else "network")
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    from google.api_core.exceptions import RetryError

    while error is not None:
        cause = getattr(error, "cause", None) or error.__cause__
        if cause is None or not isinstance(error, RetryError):  # that one is as good as what it gave up on
            yield error
        error = cause


def in_googles_words(error: BaseException, found: Refusal) -> str:
    """What was being done and what Google said, without the advice that the error has for a run that it stops."""
    text = str(error)
    told, said, rest = text.partition(found.message)
    page = re.match(r"\.? \(https://\S+\)", rest) if said else None
    return f"{told}{said}{page[0] if page else ''}" if said else text


def advise(found: Refusal, at: Deployment, *, permission: str = "", dataset: str = "") -> Advice:
    """What to do about a refusal. `permission` and `dataset` are what was needed, if the message does not say."""
    for known in (_unreachable, _policy, _service, _billing, _quota, _token, _missing, _unwell):
        if advice := known(found, at):
            return advice
    if found.code == 403:
        wanted = found.permission or permission
        return grant(wanted, at, dataset=dataset or found.dataset or "")
    return Advice("Google's list of error messages says more: https://cloud.google.com/bigquery/docs/error-messages")


def grant(permission: str, at: Deployment, *, dataset: str = "") -> Advice:
    """Who must be given which role on what. Without a dataset a data role is given on the project."""
    role = ROLES.get(permission, "")
    if not role:
        return Advice(
            f"The account lacks a permission. The roles it needs are in docs/bigquery.md; terraform/ grants"
            f" them. {_SOON}"
        )
    what = f"{'The account' if at.member == UNKNOWN else at.member} lacks {permission}, which the role {role} has."
    if role == OBJECT_USER:
        command = (
            f"gcloud storage buckets add-iam-policy-binding gs://{at.bucket or 'BUCKET'} --member={at.member}"
            f" --role={role}"
        )
    elif dataset and permission.startswith(("bigquery.tables.", "bigquery.datasets.get")):
        command = (
            f"bq query --project_id={at.project} --location={at.location} --use_legacy_sql=false"
            f" 'GRANT `{role}` ON SCHEMA `{at.project}`.{dataset} TO \"{at.member}\"'"
        )
    else:
        command = f"gcloud projects add-iam-policy-binding {at.project} --member={at.member} --role={role}"
    if at.member == UNKNOWN:
        what += f" ({UNKNOWN} stands for it: serviceAccount:… or user:… and its address.)"
    return Advice(f"{what} Somebody who administers the project can give it; terraform/ does. {_SOON}", (command,))


def _unreachable(found: Refusal, at: Deployment) -> Advice | None:
    if found.kind == "network":
        return Advice(
            "Google did not answer. Is this machine online, does its name server know the host, and does a firewall let"
            " HTTPS out? Behind a proxy set HTTPS_PROXY. BIGQUERY_EMULATOR_HOST must not be set on a real deployment."
        )
    if found.kind != "credentials":
        return None
    if "anonymous" in found.message.lower():
        return _token(replace(found, code=401), at)
    if "getAccessToken" in found.message or "impersonat" in found.message.lower():
        return Advice(
            "The connection impersonates a service account that its own account may not impersonate. Say who may"
            " (MEMBER is the connection's own account, TARGET the impersonated one):",
            (
                "gcloud iam service-accounts add-iam-policy-binding TARGET --member=MEMBER"
                " --role=roles/iam.serviceAccountTokenCreator",
            ),
        )
    return Advice(
        f"Google gives the connection {at.connection!r} no token. A key may have been deleted or disabled, a login may"
        " have expired, or this machine's clock may be wrong (see clock). Make a new key, or log in again:",
        ("gcloud auth application-default login",),
    )


def _policy(found: Refusal, at: Deployment) -> Advice | None:
    text = found.message
    if "resourceLocations" in text:
        return Advice(
            f"An organisation policy forbids {at.location}. Choose an allowed location (variable `location` in"
            " terraform/, C360_GOOGLE_LOCATION), or have the policy constraints/gcp.resourceLocations changed."
        )
    if "vpcServiceControls" in text or "organization's policy" in text:
        return Advice(
            "A VPC Service Controls perimeter or organisation policy stands between this machine and the project, not"
            " IAM. Run from inside the perimeter, or give your administrator the identifier in the message."
        )
    return None


def _service(found: Refusal, at: Deployment) -> Advice | None:
    off = found.reason in ("accessNotConfigured", "SERVICE_DISABLED") or "has not been used in project" in found.message
    if not off:
        return None
    service = _SERVICE.search(found.message)
    return Advice(
        "The API is switched off in this project. Switch it on, and wait a minute:",
        (f"gcloud services enable {service[1] if service else 'bigquery'}.googleapis.com --project={at.project}",),
    )


def _billing(found: Refusal, at: Deployment) -> Advice | None:
    if found.reason != "billingNotEnabled" and "billing has not been enabled" not in found.message.lower():
        return None
    return Advice(
        "The project has no billing account, so it is in BigQuery's sandbox: tables vanish after 60 days, and some"
        " statements are refused. Link an account (ACCOUNT from `gcloud billing accounts list`):",
        (f"gcloud billing projects link {at.project} --billing-account=ACCOUNT",),
    )


def _quota(found: Refusal, at: Deployment) -> Advice | None:
    if found.reason == "quotaExceeded":
        return Advice(
            "A quota of the project is used up: most often a custom one that an administrator has set on query bytes"
            " per day, which starts anew at midnight Pacific time; limits per table refill in the course of a day."
            " Which one, and to raise it: "
            f"https://console.cloud.google.com/iam-admin/quotas?project={at.project}&service=bigquery.googleapis.com"
        )
    if "ateLimitExceeded" in found.reason or found.code == 429:
        return Advice(
            "Too many requests at once. The pipeline waits and tries again by itself; if this lasts, something else in"
            " the project is busy, or the pool `warehouse` is too large."
        )
    return None


def _token(found: Refusal, at: Deployment) -> Advice | None:
    if "insufficient authentication scopes" in found.message.lower():
        return Advice(
            f"The token's scopes leave out what this needs. Set the scopes of the connection {at.connection!r} (extra"
            " `scope`) to https://www.googleapis.com/auth/cloud-platform, or leave them empty; on a VM they are the"
            " machine's own."
        )
    if found.code == 401:
        return Advice(
            f"Google does not accept the token that the connection {at.connection!r} gives: it has expired or been"
            " revoked, or none was sent (an anonymous connection). Give the connection a key file, or nothing, to take"
            " the machine's own credentials."
        )
    return None


def _missing(found: Refusal, at: Deployment) -> Advice | None:
    if found.code != 404:
        return None
    if "bucket" in found.message.lower():
        return Advice(
            "The landing bucket does not exist. terraform/ makes one; or by hand, where the datasets are:",
            (
                f"gcloud storage buckets create gs://{at.bucket} --project={at.project} --location={at.location}"
                " --uniform-bucket-level-access --public-access-prevention",
            ),
        )
    return Advice(
        f"Google knows no such thing in {at.project}. Is C360_GOOGLE_PROJECT the project's id (not its name or number),"
        " and C360_GOOGLE_LOCATION where its data is?",
        ("gcloud projects list",),
    )


def _unwell(found: Refusal, at: Deployment) -> Advice | None:
    if found.code is None or found.code < 500:
        return None
    return Advice("Google has a problem of its own. Try again later; https://status.cloud.google.com says more.")
