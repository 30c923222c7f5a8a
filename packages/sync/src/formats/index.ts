export { extensionFailure, isTaskFileKey, toTaskFileKind, type TaskFileKind } from "./task-file.ts";
