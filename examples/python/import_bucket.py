#!/usr/bin/env python3
"""Imports an S3 bucket with the unmodified label-studio-sdk: create, validate, sync, poll, list tasks.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    LABEL_STUDIO_URL=http://127.0.0.1:8080 LABEL_STUDIO_API_KEY=<token> \\
    BUCKET=cats AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… [S3_ENDPOINT=http://127.0.0.1:9100] \\
    .venv/bin/python import_bucket.py

With --check N it makes the bucket with N objects first and proves the counts: N tasks, a second sync 0, one new object 1.
"""
import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from label_studio_sdk import LabelStudio

LABEL_CONFIG = """
<View>
  <Image name="image" value="$image"/>
  <Choices name="kind" toName="image"><Choice value="cat"/><Choice value="dog"/></Choices>
</View>
"""
FINAL = {"completed", "completed_with_errors", "failed"}


def connection() -> dict:
    """The storage's own fields, from the usual variables."""
    return {
        "bucket": os.environ["BUCKET"],
        "prefix": os.environ.get("PREFIX") or None,
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "region_name": os.environ.get("AWS_REGION", "us-east-1"),
        "s3endpoint": os.environ.get("S3_ENDPOINT") or None,
    }


def sync(client: LabelStudio, storage_id: int):
    """Starts a sync and polls until it has ended; returns the storage as the API shows it then."""
    storage = client.import_storage.s3.sync(id=storage_id)
    while storage.status not in FINAL:
        print(f"  {storage.status}: {storage.last_sync_count or 0} new tasks", flush=True)
        time.sleep(0.5)
        storage = client.import_storage.s3.get(id=storage_id)
    existed = (storage.meta or {}).get("tasks_existed", 0)
    print(f"  {storage.status}: {storage.last_sync_count} new tasks, {existed} known")
    if storage.status != "completed":
        sys.exit(f"the sync ended as {storage.status}: {storage.traceback}")
    return storage


def bucket_client():
    import boto3  # only --check writes to the bucket
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=os.environ.get("S3_ENDPOINT") or None,
        region_name=os.environ.get("AWS_REGION", "us-east-1"),
        config=Config(s3={"addressing_style": "path"}, max_pool_connections=32),
    )


def fill(bucket: str, first: int, count: int) -> None:
    """Puts `count` small objects with the numbers from `first` on."""
    s3 = bucket_client()
    if first == 0 and bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket)

    def put(number: int) -> None:
        s3.put_object(Bucket=bucket, Key=f"images/{number // 1000:03d}/{number:06d}.jpg", Body=b"\xff\xd8\xff")

    with ThreadPoolExecutor(max_workers=32) as pool:
        list(pool.map(put, range(first, first + count)))


def check(label: str, actual: int, expected: int) -> None:
    print(f"  {label}: {actual}")
    if actual != expected:
        sys.exit(f"{label}: expected {expected}, got {actual}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", type=int, metavar="N", help="make N objects first and prove the counts")
    options = parser.parse_args()
    client = LabelStudio(
        base_url=os.environ.get("LABEL_STUDIO_URL", "http://127.0.0.1:8080"),
        api_key=os.environ["LABEL_STUDIO_API_KEY"],
    )
    fields = connection()
    if options.check:
        print(f"making {options.check} objects in {fields['bucket']}")
        fill(fields["bucket"], 0, options.check)

    project = client.projects.create(title="Bucket import", label_config=LABEL_CONFIG)
    settings = {**fields, "use_blob_urls": True, "recursive_scan": True}
    client.import_storage.s3.validate(project=project.id, **settings)
    storage = client.import_storage.s3.create(project=project.id, title=fields["bucket"], **settings)
    print(f"project {project.id}, storage {storage.id}: {storage.status}")

    print("sync")
    storage = sync(client, storage.id)
    tasks = sum(1 for _ in client.tasks.list(project=project.id, page_size=500))
    print(f"  {tasks} tasks listed")
    first = next(iter(client.tasks.list(project=project.id, page_size=1)))
    print(f"  the first: {first.data}")

    if options.check:
        check("new tasks", storage.last_sync_count, options.check)
        check("tasks listed", tasks, options.check)
        print("second sync")
        check("new tasks", sync(client, storage.id).last_sync_count, 0)
        print("one more object, third sync")
        fill(fields["bucket"], options.check, 1)
        check("new tasks", sync(client, storage.id).last_sync_count, 1)
        check("tasks in all", sum(1 for _ in client.tasks.list(project=project.id, page_size=500)), options.check + 1)
    print("done")


if __name__ == "__main__":
    main()
