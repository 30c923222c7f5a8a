import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnnotationRecord, SubjectRecord, TaskRecord } from "./ports.ts";
import { toPythonJson } from "./python-json.ts";
import { renderSubject } from "./render.ts";

const ADMIN = { id: 1, email: "admin@example.com", firstName: "", lastName: "" };

/** The task and annotation whose export by Label Studio 1.23.2 is recorded below. */
function aTask(values: Partial<TaskRecord> = {}): TaskRecord {
  return {
    id: 51,
    externalId: null,
    exportRevision: 1,
    projectId: 16,
    innerId: 1,
    dataJson: '{"$undefined$":"s3://imgs/subdir/image1.jpg"}',
    metaJson: null,
    sourceKey: "subdir/image1.jpg",
    dataKey: "image",
    overlap: 1,
    isLabeled: true,
    allowSkip: true,
    totalAnnotations: 2,
    cancelledAnnotations: 0,
    totalPredictions: 0,
    updatedById: 1,
    createdAt: new Date("2026-11-23T22:39:33.961Z"),
    updatedAt: new Date("2026-11-23T22:39:34.199Z"),
    uploadId: null,
    uploadName: null,
    ...values,
  };
}

function anAnnotation(values: Partial<AnnotationRecord> = {}): AnnotationRecord {
  return {
    id: 12,
    externalId: null,
    revision: 1,
    taskId: 51,
    projectId: 16,
    resultJson:
      '[{"id":"r1","from_name":"c","to_name":"i","type":"choices","origin":"manual","value":{"choices":["cat"]}}]',
    predictionJson: null,
    completedBy: ADMIN,
    updatedById: 1,
    lastCreatedById: null,
    wasCancelled: false,
    groundTruth: false,
    bulkCreated: false,
    uniqueId: "ff5c8f47-6248-45fb-a172-90fe6af268bd",
    lastAction: null,
    leadTime: 2.5,
    importId: null,
    parentPredictionId: null,
    parentAnnotationId: null,
    createdAt: new Date("2026-11-23T22:39:35.167Z"),
    updatedAt: new Date("2026-11-23T22:39:35.167Z"),
    draftCreatedAt: null,
    ...values,
  };
}

const NOW = new Date("2026-11-23T22:39:36Z").getTime();

function render(subject: SubjectRecord, layout: "line" | "indented" = "line"): string {
  return new TextDecoder().decode(renderSubject(subject, { layout, nowMs: NOW }));
}

describe("renderSubject", () => {
  it("writes an annotation byte by byte as Label Studio does", () => {
    const recorded = String.raw`{"id": 12, "result": [{"id": "r1", "from_name": "c", "to_name": "i", "type": "choices", "origin": "manual", "value": {"choices": ["cat"]}}], "created_username": " admin@example.com, 1", "created_ago": "0\u00a0minutes", "completed_by": {"id": 1, "first_name": "", "last_name": "", "email": "admin@example.com"}, "task": {"id": 51, "data": {"image": "s3://imgs/subdir/image1.jpg"}, "meta": {}, "created_at": "2026-11-23T22:39:33.961000Z", "updated_at": "2026-11-23T22:39:34.199000Z", "is_labeled": true, "allow_skip": true, "overlap": 1, "inner_id": 1, "total_annotations": 2, "cancelled_annotations": 0, "total_predictions": 0, "precomputed_agreement": null, "comment_count": 0, "unresolved_comment_count": 0, "last_comment_updated_at": null, "project": 16, "updated_by": 1, "file_upload": null, "comment_authors": []}, "was_cancelled": false, "ground_truth": false, "created_at": "2026-11-23T22:39:35.167000Z", "updated_at": "2026-11-23T22:39:35.167000Z", "draft_created_at": null, "lead_time": 2.5, "import_id": null, "last_action": null, "bulk_created": false, "project": 16, "updated_by": 1, "parent_prediction": null, "parent_annotation": null, "last_created_by": null}`;
    expect(render({ type: "annotation", annotation: anAnnotation(), task: aTask() })).toBe(
      recorded,
    );
  });

  it("writes a task with its annotations, canceled ones included, in the contract's order", () => {
    const written = JSON.parse(
      render({
        type: "task",
        task: aTask({ metaJson: '{"k":1}' }),
        annotations: [
          anAnnotation(),
          anAnnotation({ id: 13, wasCancelled: true, resultJson: "[]" }),
        ],
        draftIds: [1],
        predictionIds: [8],
      }),
    ) as { annotations: Record<string, unknown>[] } & Record<string, unknown>;
    expect(Object.keys(written)).toEqual(
      "id annotations drafts predictions data meta created_at updated_at allow_skip inner_id total_annotations cancelled_annotations total_predictions comment_count unresolved_comment_count last_comment_updated_at project updated_by comment_authors".split(
        " ",
      ),
    );
    expect(Object.keys(written.annotations[0] ?? {})).toEqual(
      "id completed_by result was_cancelled ground_truth created_at updated_at draft_created_at lead_time prediction result_count unique_id import_id last_action bulk_created task project updated_by parent_prediction parent_annotation last_created_by".split(
        " ",
      ),
    );
    expect(written.annotations.map((annotation) => annotation["result_count"])).toEqual([1, 0]);
  });

  it("keeps numbers that a double would change", () => {
    const annotation = anAnnotation({ resultJson: '[{"n":12345678901234567890,"m":0.1}]' });
    expect(render({ type: "annotation", annotation, task: aTask() })).toContain(
      '[{"n": 12345678901234567890, "m": 0.1}]',
    );
  });

  it("leaves $undefined$ where the project has no data key", () => {
    const text = render({
      type: "annotation",
      annotation: anAnnotation(),
      task: aTask({ dataKey: null }),
    });
    expect(text).toContain('"data": {"$undefined$": "s3://imgs/subdir/image1.jpg"}');
  });
});

describe("toPythonJson", () => {
  it("escapes everything beyond ASCII and keeps the value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const layout of ["line", "indented"] as const) {
          const text = toPythonJson(value, layout);
          expect(/^[\x20-\x7e\n]*$/.test(text)).toBe(true);
          expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        }
      }),
    );
  });

  it("indents as Python does", () => {
    expect(toPythonJson({ a: [1, {}], b: [], c: { d: null } }, "indented")).toBe(
      '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": [],\n  "c": {\n    "d": null\n  }\n}',
    );
  });
});
