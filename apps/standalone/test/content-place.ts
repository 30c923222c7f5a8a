import fs from "node:fs";
import path from "node:path";
import type { Json } from "./client.ts";
import type { S3Place } from "./s3-place.ts";

/** Where a row of the table puts its objects; names that are no text are bytes of a file system. */
export interface ContentPlace {
  readonly type: "s3" | "localfiles";
  payload(fields: Json): Json;
  put(key: string | Buffer, body: string | Uint8Array): void;
  remove(key: string | Buffer): void;
}

/** A bucket of the S3 fake. */
export function bucketPlace(place: S3Place, bucket: string): ContentPlace {
  place.fake.createBucket({ name: bucket });
  return {
    type: "s3",
    payload: (fields) => place.payload(bucket, { recursive_scan: true, ...fields }),
    put: (key, body) => {
      place.fake.putObject(bucket, key.toString(), body);
    },
    remove: (key) => {
      place.fake.deleteObject(bucket, key.toString());
    },
  };
}

/** A folder below the document root. */
export function folderPlace(documentRoot: string, name: string): ContentPlace {
  const folder = path.join(documentRoot, name);
  fs.mkdirSync(folder);
  const at = (key: string | Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(key)]);
  return {
    type: "localfiles",
    payload: (fields) => ({ path: folder, title: name, ...fields }),
    put: (key, body) => {
      fs.mkdirSync(parentOf(at(key)), { recursive: true });
      fs.writeFileSync(at(key), body);
    },
    remove: (key) => {
      fs.rmSync(at(key));
    },
  };
}

/** Buffer in, buffer out: the name may be no text. */
function parentOf(file: Buffer): Buffer {
  return file.subarray(0, file.lastIndexOf("/"));
}
