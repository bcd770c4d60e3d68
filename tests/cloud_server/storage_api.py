"""Buckets and objects of Cloud Storage's JSON API, with right sizes, checksums and generations."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import RLock
from urllib.parse import quote

import google_crc32c

from cloud_server.answers import Answer, Refused, Resource
from cloud_server.bigquery_tables import Clock, Key

_PAGE = 1000
_SETTABLE = ("contentType", "metadata", "cacheControl", "contentEncoding", "contentDisposition", "storageClass")


class Storage:
    """Buckets by name, bytes of objects by (bucket, name)."""

    def __init__(self, location: str, clock: Clock, url: str) -> None:
        self.location, self.clock, self.url = location, clock, url
        self.buckets: dict[str, Resource] = {}
        self.objects: dict[Key, bytes] = {}
        self.resources: dict[Key, Resource] = {}
        self.denied: set[str] = set()
        self.lock = RLock()

    def forget(self) -> None:
        for known in (self.buckets, self.objects, self.resources):
            known.clear()

    # -- buckets

    def get_bucket(self, name: str) -> Resource:
        if name not in self.buckets:
            raise Refused(404, "notFound", "The specified bucket does not exist.")
        return self.buckets[name]

    def insert_bucket(self, body: Resource) -> Resource:
        name = body["name"]
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", name):
            raise Refused(400, "invalid", f"Invalid bucket name: '{name}'")
        with self.lock:
            if name in self.buckets:
                message = "Your previous request to create the named bucket succeeded and you already own it."
                raise Refused(409, "conflict", message)
            now = _time(self.clock.now())
            self.buckets[name] = {
                "kind": "storage#bucket",
                "id": name,
                "location": self.location,
                "locationType": "multi-region",
                "storageClass": "STANDARD",
                **body,
                "timeCreated": now,
                "updated": now,
                "metageneration": "1",
                "etag": "CAE=",
            }
            return self.buckets[name]

    def test_permissions(self, bucket: str, wanted: tuple[str, ...]) -> Resource:
        self.get_bucket(bucket)
        granted = [permission for permission in wanted if permission not in self.denied]
        return {"kind": "storage#testIamPermissionsResponse", **({"permissions": granted} if granted else {})}

    # -- objects

    def insert(
        self, bucket: str, query: Mapping[str, str], body: Resource | None, media: bytes, content_type: str = ""
    ) -> Resource:
        """Put an object in place, whole. A checksum that is given must be right."""
        self.get_bucket(bucket)
        body = body or {}
        name = body.get("name") or query.get("name")
        if not name:
            raise Refused(400, "required", "Required parameter: name")
        key, sums = (bucket, name), checksums(media)
        for kind, value in sums.items():
            if body.get(kind, value) != value:
                message = f'Provided {kind} "{body[kind]}" doesn\'t match calculated {kind} "{value}".'
                raise Refused(400, "invalid", message)
        with self.lock:
            self._check_generation(key, query)
            now = self.clock.now()
            generation = str(now * 1000)
            path = f"{self.url}/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
            resource: Resource = {
                "kind": "storage#object",
                "id": f"{bucket}/{name}/{generation}",
                "selfLink": path,
                "mediaLink": f"{path.replace('/storage/v1', '/download/storage/v1')}?generation={generation}&alt=media",
                "name": name,
                "bucket": bucket,
                "generation": generation,
                "metageneration": "1",
                "contentType": content_type or "application/octet-stream",
                "storageClass": "STANDARD",
                "size": str(len(media)),
                **sums,
                "etag": base64.b64encode(generation.encode()).decode(),
                "timeCreated": _time(now),
                "updated": _time(now),
                **{part: body[part] for part in _SETTABLE if body.get(part)},
            }
            self.objects[key], self.resources[key] = media, resource
            return resource

    def find(self, bucket: str, name: str, query: Mapping[str, str]) -> Resource:
        self.get_bucket(bucket)
        key = (bucket, name)
        with self.lock:
            if key in self.objects and key not in self.resources:  # a test has put it there
                content = self.objects[key]
                del self.objects[key]
                self.insert(bucket, {"name": name}, None, content)
            resource = self.resources.get(key) if key in self.objects else None
        if resource is None or query.get("generation", resource["generation"]) != resource["generation"]:
            raise Refused(404, "notFound", f"No such object: {bucket}/{name}")
        self._check_generation(key, query)
        return resource

    def media(self, bucket: str, name: str, query: Mapping[str, str], asked: str) -> Answer:
        """An object's bytes, or the range that is asked for."""
        resource = self.find(bucket, name, query)
        content = self.objects[bucket, name]
        headers = {
            "Content-Type": resource["contentType"],
            "X-Goog-Hash": f"crc32c={resource['crc32c']},md5={resource['md5Hash']}",
            "X-Goog-Generation": resource["generation"],
            "X-Goog-Metageneration": resource["metageneration"],
            "X-Goog-Stored-Content-Encoding": "identity",
            "X-Goog-Stored-Content-Length": resource["size"],
            "ETag": resource["etag"],
        }
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
        if match is None:
            return Answer(200, content=content, headers=headers)
        first, last = int(match[1]), min(int(match[2] or len(content)), len(content) - 1)
        if first >= len(content):
            raise Refused(
                416, "requestedRangeNotSatisfiable", "Request range not satisfiable",
                {"Content-Range": f"bytes */{len(content)}"},
            )  # fmt: skip
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return Answer(206, content=content[first : last + 1], headers=headers)

    def delete(self, bucket: str, name: str, query: Mapping[str, str]) -> None:
        with self.lock:
            self.find(bucket, name, query)
            del self.objects[bucket, name], self.resources[bucket, name]

    def list(self, bucket: str, query: Mapping[str, str]) -> Resource:
        """Names by prefix, those that go on after the delimiter folded into prefixes, a page at a time."""
        self.get_bucket(bucket)
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        entries: dict[str, bool] = {}
        for holder, name in sorted(self.objects):
            if holder != bucket or not name.startswith(prefix):
                continue
            if not query.get("startOffset", "") <= name or ("endOffset" in query and name >= query["endOffset"]):
                continue
            rest = name[len(prefix) :]
            folded = prefix + rest[: rest.index(delimiter) + len(delimiter)] if delimiter and delimiter in rest else ""
            entries[folded or name] = bool(folded)
        names = sorted(entries)
        at, size = int(query.get("pageToken") or 0), min(int(query.get("maxResults") or _PAGE), _PAGE)
        shown = names[at : at + size]
        items = [self.find(bucket, name, {}) for name in shown if not entries[name]]
        prefixes = [name for name in shown if entries[name]]
        answer: Resource = {"kind": "storage#objects"}
        answer |= {"items": items} if items else {}
        answer |= {"prefixes": prefixes} if prefixes else {}
        return answer | ({"nextPageToken": str(at + size)} if at + size < len(names) else {})

    def _check_generation(self, key: Key, query: Mapping[str, str]) -> None:
        """https://cloud.google.com/storage/docs/request-preconditions: generation 0 is no object."""
        now = self.resources[key]["generation"] if key in self.objects and key in self.resources else "0"
        if query.get("ifGenerationMatch", now) != now or query.get("ifGenerationNotMatch", "") == now:
            message = "At least one of the pre-conditions you specified did not hold."
            raise Refused(412, "conditionNotMet", message)


def checksums(content: bytes) -> dict[str, str]:
    """As an object's resource has them."""
    crc = google_crc32c.value(content).to_bytes(4, "big")
    md5 = hashlib.md5(content, usedforsecurity=False).digest()
    return {"crc32c": base64.b64encode(crc).decode(), "md5Hash": base64.b64encode(md5).decode()}


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
