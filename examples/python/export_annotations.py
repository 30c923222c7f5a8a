#!/usr/bin/env python3
"""Exports annotations to an S3 bucket with the unmodified label-studio-sdk: create a target, annotate, update, delete.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    LABEL_STUDIO_URL=http://127.0.0.1:8080 LABEL_STUDIO_API_KEY=<token> \\
    BUCKET=cats AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… [S3_ENDPOINT=http://127.0.0.1:9100] \\
    .venv/bin/python export_annotations.py

The bucket follows every step by itself; nobody has to sync. The script reads it after each one and compares the object with
what Label Studio writes, key by key and in its order. It needs a bucket that exists and may be written, read and deleted in.
"""
import json
import os
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from label_studio_sdk import LabelStudio

LABEL_CONFIG = """
<View>
  <Image name="image" value="$image"/>
  <Choices name="kind" toName="image"><Choice value="cat"/><Choice value="dog"/></Choices>
</View>
"""
PATIENCE_SECONDS = 30


def choice(kind: str) -> list:
    region = {"id": "r1", "from_name": "kind", "to_name": "image", "type": "choices", "origin": "manual"}
    return [{**region, "value": {"choices": [kind]}}]


class Bucket:
    """The bucket as a reader of the exported objects sees it."""

    def __init__(self) -> None:
        self.name = os.environ["BUCKET"]
        self.prefix = os.environ.get("PREFIX") or None
        self.s3 = boto3.client(
            "s3",
            endpoint_url=os.environ.get("S3_ENDPOINT") or None,
            region_name=os.environ.get("AWS_REGION", "us-east-1"),
            config=Config(s3={"addressing_style": "path"}),
        )

    def settings(self) -> dict:
        """The storage's own fields, from the usual variables."""
        return {
            "bucket": self.name,
            "prefix": self.prefix,
            "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
            "region_name": os.environ.get("AWS_REGION", "us-east-1"),
            "s3endpoint": os.environ.get("S3_ENDPOINT") or None,
        }

    def read(self, annotation_id: int):
        """The exported annotation, or None while there is none. Its key is its id."""
        key = f"{self.prefix}/{annotation_id}" if self.prefix else str(annotation_id)
        try:
            return json.loads(self.s3.get_object(Bucket=self.name, Key=key)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise

    def wait_for(self, what: str, annotation_id: int, is_there):
        """Reads until the object is as it should be, and returns it."""
        started = time.monotonic()
        while time.monotonic() < started + PATIENCE_SECONDS:
            found = self.read(annotation_id)
            if is_there(found):
                print(f"  {what}: in the bucket after {time.monotonic() - started:.2f} s")
                return found
            time.sleep(0.05)
        sys.exit(f"{what}: not in the bucket after {PATIENCE_SECONDS} s; it holds {self.read(annotation_id)}")


def wire(moment) -> str:
    """A time as the API writes it; the SDK has read some of them already."""
    return moment if isinstance(moment, str) else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def expected_object(client: LabelStudio, annotation_id: int, result: list) -> dict:
    """What Label Studio writes for an annotation, in its order, from what its API says about it."""
    annotation = client.annotations.get(id=annotation_id)
    task = client.tasks.get(id=annotation.task)
    me = client.users.whoami()
    names = f"{me.first_name} {me.last_name}".strip()
    return {
        "id": annotation_id,
        "result": result,
        "created_username": f"{names} {me.email}, {me.id}",
        "created_ago": "0\u00a0minutes",
        "completed_by": {"id": me.id, "first_name": me.first_name, "last_name": me.last_name, "email": me.email},
        "task": {
            "id": task.id,
            # References stay as they are: no signed or resolved URLs.
            "data": {"image": "s3://pictures/cat.jpg"},
            "meta": {},
            "created_at": wire(task.created_at),
            "updated_at": wire(task.updated_at),
            "is_labeled": True,
            "allow_skip": True,
            "overlap": 1,
            "inner_id": 1,
            "total_annotations": 1,
            "cancelled_annotations": 0,
            "total_predictions": 0,
            "precomputed_agreement": None,
            "comment_count": 0,
            "unresolved_comment_count": 0,
            "last_comment_updated_at": None,
            "project": annotation.project,
            "updated_by": me.id,
            "file_upload": None,
            "comment_authors": [],
        },
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": wire(annotation.created_at),
        "updated_at": wire(annotation.updated_at),
        "draft_created_at": None,
        "lead_time": annotation.lead_time,
        "import_id": None,
        "last_action": None,
        "bulk_created": False,
        "project": annotation.project,
        "updated_by": me.id,
        "parent_prediction": None,
        "parent_annotation": None,
        "last_created_by": None,
    }


def check_object(found: dict, expected: dict) -> None:
    """Same keys in the same order, same values; ends the script with what differs."""
    for name, one, other in [("object", found, expected), ("task", found["task"], expected["task"])]:
        if list(one) != list(other):
            sys.exit(f"keys of the {name}: expected {list(other)}, got {list(one)}")
    different = [key for key in expected if found[key] != expected[key]]
    if different:
        sys.exit("\n".join(f"{key}: expected {expected[key]!r}, got {found[key]!r}" for key in different))
    print(f"  {len(expected)} fields and {len(expected['task'])} of its task are what Label Studio writes")


def main() -> None:
    client = LabelStudio(
        base_url=os.environ.get("LABEL_STUDIO_URL", "http://127.0.0.1:8080"),
        api_key=os.environ["LABEL_STUDIO_API_KEY"],
    )
    bucket = Bucket()
    project = client.projects.create(title="Annotation export", label_config=LABEL_CONFIG)
    target = client.export_storage.s3.create(
        project=project.id, title=bucket.name, can_delete_objects=True, **bucket.settings()
    )
    print(f"project {project.id}, target {target.id}")
    task = client.tasks.create(project=project.id, data={"image": "s3://pictures/cat.jpg"})

    print("annotate")
    annotation = client.annotations.create(id=task.id, result=choice("cat"), lead_time=2.0)
    found = bucket.wait_for(f"annotation {annotation.id}", annotation.id, lambda it: it is not None)
    check_object(found, expected_object(client, annotation.id, choice("cat")))

    print("update")
    client.annotations.update(id=annotation.id, result=choice("dog"), lead_time=3.5)
    found = bucket.wait_for("the change", annotation.id, lambda it: it and it["result"] == choice("dog"))
    check_object(found, expected_object(client, annotation.id, choice("dog")))

    print("sync of all")
    target = client.export_storage.s3.sync(id=target.id)
    while target.status not in {"completed", "completed_with_errors", "failed"}:
        time.sleep(0.2)
        target = client.export_storage.s3.get(id=target.id)
    print(f"  {target.status}: {target.last_sync_count} written")
    if target.status != "completed" or target.last_sync_count != 1:
        sys.exit(f"the sync ended as {target.status}: {target.traceback}")

    print("delete")
    client.annotations.delete(id=annotation.id)
    bucket.wait_for("the deletion", annotation.id, lambda it: it is None)
    print("done")


if __name__ == "__main__":
    main()
