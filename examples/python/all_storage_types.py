#!/usr/bin/env python3
"""Calls every storage method of the unmodified label-studio-sdk: 7 methods x 10 types x 2 directions.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    LABEL_STUDIO_URL=http://127.0.0.1:8080 LABEL_STUDIO_API_KEY=<token> STORES=stores.json \\
    .venv/bin/python all_storage_types.py

STORES is a JSON file with the connection of each type, by the names of the SDK's arguments. A source must hold objects, a target
must be writable; what a sync writes stays there:

    {"s3":    {"source": {"bucket": "cats", "prefix": "in", "aws_access_key_id": "…", "aws_secret_access_key": "…"},
               "target": {"bucket": "cats", "prefix": "out", "aws_access_key_id": "…", "aws_secret_access_key": "…"}},
     "local": {"source": {"path": "/data/in"}, "target": {"path": "/data/out"}}, …}

Each method is judged by its answer. The last line counts those that did what they should; exit code 0 only when all of them did.
`gcs_sa` is offered with the feature flag fflag_feat_bros_763_gcs_sa_impersonation=true.
"""
import json
import os
import sys
import time

from label_studio_sdk import LabelStudio
from label_studio_sdk.core.api_error import ApiError

TYPES = ["s3", "s3s", "gcs", "gcs_sa", "gcswif", "azure", "azure_spi", "redis", "local", "databricks"]
METHODS = ["validate", "create", "list", "get", "update", "sync", "delete"]
FINAL = {"completed", "completed_with_errors", "failed"}
PATIENCE_SECONDS = 60
LABEL_CONFIG = """
<View>
  <Text name="text" value="$text"/>
  <Choices name="kind" toName="text"><Choice value="cat"/><Choice value="dog"/></Choices>
</View>
"""


class Wrong(Exception):
    """A method answered something else than it should."""


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Wrong(what)


class Connection:
    """One type in one direction, and the storage that its methods work on."""

    def __init__(self, client: LabelStudio, name: str, direction: str, fields: dict) -> None:
        group = client.import_storage if direction == "source" else client.export_storage
        self.api = getattr(group, name)
        self.wire_type = "localfiles" if name == "local" else name
        self.project = client.projects.create(title=f"{name} {direction}", label_config=LABEL_CONFIG).id
        task = client.tasks.create(project=self.project, data={"text": "meow"})
        region = {"from_name": "kind", "to_name": "text", "type": "choices", "value": {"choices": ["cat"]}}
        client.annotations.create(id=task.id, result=[region])
        # What a sync of the direction must count: at least one object, exactly the one annotation.
        self.counts = (lambda count: count >= 1) if direction == "source" else (lambda count: count == 1)
        # A file becomes a task, whatever is in it; Redis has values alone.
        files = {"use_blob_urls": True} if direction == "source" and name != "redis" else {}
        self.fields = {**files, **fields}
        self.id = None

    def validate(self) -> None:
        self.api.validate(project=self.project, **self.fields)

    def create(self) -> None:
        storage = self.api.create(project=self.project, title="before", **self.fields)
        self.id = storage.id
        expect(storage.type == self.wire_type, f"type {storage.type!r}")
        expect(storage.title == "before", f"title {storage.title!r}")

    def list(self) -> None:
        ids = [storage.id for storage in self.api.list(project=self.project)]
        expect(ids == [self.id], f"ids {ids}, expected [{self.id}]")

    def get(self) -> None:
        storage = self.api.get(id=self.id)
        expect((storage.id, storage.project) == (self.id, self.project), f"storage {storage.id} of {storage.project}")

    def update(self) -> None:
        storage = self.api.update(id=self.id, title="after")
        expect(storage.title == "after", f"title {storage.title!r}")

    def sync(self) -> None:
        storage = self.api.sync(id=self.id)
        started = time.monotonic()
        while storage.status not in FINAL and time.monotonic() < started + PATIENCE_SECONDS:
            time.sleep(0.2)
            storage = self.api.get(id=self.id)
        expect(storage.status == "completed", f"{storage.status}: {storage.traceback}")
        count = storage.last_sync_count or 0
        # The first sync of a target follows its creation; this one writes everything again.
        expect(self.counts(count), f"last_sync_count {count}")

    def delete(self) -> None:
        self.api.delete(id=self.id)
        try:
            self.api.get(id=self.id)
        except ApiError as error:
            expect(error.status_code == 404, f"a deleted storage answers {error.status_code}")
        else:
            raise Wrong("the storage is still there")


def call_all(connection: Connection) -> dict:
    """What is wrong with each method; empty for those that did what they should."""
    problems = {}
    for method in METHODS:
        try:
            getattr(connection, method)()
            problems[method] = ""
        except (Wrong, ApiError) as error:
            problems[method] = " ".join(str(error).split())
    return problems


def main() -> None:
    client = LabelStudio(
        base_url=os.environ.get("LABEL_STUDIO_URL", "http://127.0.0.1:8080"),
        api_key=os.environ["LABEL_STUDIO_API_KEY"],
    )
    with open(os.environ["STORES"], encoding="utf-8") as file:
        stores = json.load(file)
    good, lines = 0, []
    print(f"{'type':<12}{'direction':<11}" + "".join(f"{method:<10}" for method in METHODS))
    for name in TYPES:
        for direction in ["source", "target"]:
            fields = stores.get(name, {}).get(direction)
            if fields is None:
                problems = dict.fromkeys(METHODS, "STORES has no connection")
            else:
                problems = call_all(Connection(client, name, direction, fields))
            good += sum(1 for problem in problems.values() if not problem)
            marks = "".join(f"{'FAILED' if problem else 'ok':<10}" for problem in problems.values())
            print(f"{name:<12}{direction:<11}{marks}", flush=True)
            lines += [f"{name} {direction} {method}: {problem}" for method, problem in problems.items() if problem]
    for line in lines:
        print(line)
    wanted = len(TYPES) * 2 * len(METHODS)
    print(f"{good} of {wanted}")
    sys.exit(0 if good == wanted else 1)


if __name__ == "__main__":
    main()
