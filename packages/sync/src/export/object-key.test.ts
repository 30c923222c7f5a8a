import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkKeyTemplate, checkTargetPrefix, toObjectKey, toTargetFolder } from "./object-key.ts";
import type { SubjectRecord } from "./ports.ts";

const TARGET = { prefix: null, keyTemplate: null, jsonExtension: false, projectId: 7 };

function aSubject(
  values: { id?: number; externalId?: string | null; sourceKey?: string | null } = {},
): SubjectRecord {
  return {
    type: "annotation",
    annotation: { id: values.id ?? 12, externalId: values.externalId ?? null },
    task: { id: 5, externalId: null, sourceKey: values.sourceKey ?? null },
  } as SubjectRecord;
}

describe("toObjectKey", () => {
  it.each([
    [null, false, "12"],
    ["out", false, "out/12"],
    ["out/", true, "out/12.json"],
    ["a//b/", false, "a/b/12"],
    ["/lead", false, "lead/12"],
    ["p-${project_id}", false, "p-7/12"],
  ])("puts annotation 12 under the prefix %j (json %s) at %s", (prefix, jsonExtension, key) => {
    expect(toObjectKey({ ...TARGET, prefix, jsonExtension }, aSubject())).toBe(key);
  });

  it("names an object after the platform's own id where there is one", () => {
    expect(toObjectKey(TARGET, aSubject({ externalId: "ann/7" }))).toBe("ann%2F7");
  });

  it("fills in a template and cleans what would climb or collide", () => {
    const target = { ...TARGET, keyTemplate: "${source_key_stem}/${task_id}-${annotation_id}" };
    expect(toObjectKey(target, aSubject({ sourceKey: "img/../cat.v1.jpg" }))).toBe(
      "img/cat.v1/5-12",
    );
    expect(toObjectKey(target, aSubject({ sourceKey: ".hidden" }))).toBe(".hidden/5-12");
    expect(toObjectKey(target, aSubject())).toBe("5/5-12");
  });

  it("gives different ids different keys, and never one that climbs", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
        const left = toObjectKey(TARGET, aSubject({ externalId: a }));
        const right = toObjectKey(TARGET, aSubject({ externalId: b }));
        expect(left === right).toBe(a.toWellFormed() === b.toWellFormed());
        expect(left.split("/")).not.toContain("..");
        expect(left).not.toMatch(/^$|\/|\p{Cc}/u);
      }),
    );
  });
});

describe("checkTargetPrefix", () => {
  it("takes the project, whose id then stands in the folder", () => {
    const prefix = "out/${project_id}/labels";
    expect(() => {
      checkTargetPrefix(prefix);
    }).not.toThrow();
    expect(toTargetFolder({ prefix, projectId: 7 })).toBe("out/7/labels/");
  });

  it.each(["${task_id}", "a/${project}/b", "${}"])("refuses %s and says why", (prefix) => {
    expect(() => {
      checkTargetPrefix(prefix);
    }).toThrow(/^the prefix names \$\{.*\}; it may name project_id only$/);
  });
});

describe("checkKeyTemplate", () => {
  it.each([
    ["${task_id}/${annotation_id}", "annotation"],
    ["x-${task_id}", "task"],
  ] as const)("takes %s per %s", (template, subject) => {
    expect(() => {
      checkKeyTemplate(template, subject);
    }).not.toThrow();
  });

  it.each([
    ["${task_id}", "annotation", "annotation_id"],
    ["fixed", "task", "task_id"],
    ["${task_id}${annotation_id}", "task", "no annotation id"],
    ["${nope}${annotation_id}", "annotation", "${nope}"],
    ["${annotation_id}".padEnd(600, "x"), "annotation", "512"],
  ] as const)("refuses %s per %s and says why", (template, subject, word) => {
    expect(() => {
      checkKeyTemplate(template, subject);
    }).toThrow(word);
  });
});
