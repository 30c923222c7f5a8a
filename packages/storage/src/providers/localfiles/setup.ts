import { shellSection, type SetupFacts, type SetupSection } from "../setup.ts";

/** Local files are the operator's: there is nobody else to ask. */
export function writeLocalfilesSetup({ bucket }: SetupFacts): readonly SetupSection[] {
  return [
    shellSection(
      "environment",
      "Variables of api and worker",
      [
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT=<folder above the storage's path>",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true",
      ],
      "The path of a storage lies below the document root and is not the root itself. All processes must see the same files.",
    ),
    shellSection("permissions", "Permissions of the folder", [
      `chmod -R u+rX '${bucket}'   # a source, as the user that runs api and worker`,
      `chmod u+rwx '${bucket}'     # a target`,
    ]),
  ];
}
