import {
  applyDeletedEvent,
  applySavedEvent,
  createDraftRepository,
  createEventAccessRepository,
  createPredictionRepository,
  deleteAnnotations,
  deleteAnnotationsOfTasks,
  deleteGroundTruths,
  deletePredictionsOfTasks,
  importPredictions,
  predictionsToAnnotations,
  removeDuplicates,
  saveAnnotation,
  type AnnotationDeletedEvent,
  type AnnotationSavedEvent,
  type AnnotationsDeleted,
  type AnnotationSave,
  type AnnotationSaved,
  type AnnotationsToDelete,
  type BulkResult,
  type Database,
  type DraftRepository,
  type EventAccessRepository,
  type EventOutcome,
  type PredictionRepository,
  type PredictionsImported,
  type PredictionsToImport,
  type TaskSelection,
} from "@bucketbridge/db";

/** Saves and deletions of annotations; each writes the wishes of targets, whose bells the caller rings. */
export interface AnnotationWrites {
  /** Undefined: no such task or annotation in the project. */
  save(save: AnnotationSave): Promise<AnnotationSaved | undefined>;
  remove(request: AnnotationsToDelete): Promise<AnnotationsDeleted>;
}

/** Events of platforms that have a database of their own; the caller rings the bells of the targets. */
export interface AnnotationEvents {
  applySaved(event: AnnotationSavedEvent): Promise<EventOutcome>;
  applyDeleted(event: AnnotationDeletedEvent): Promise<EventOutcome>;
}

/** What is done with many tasks of a project at once, in chunks of their own transactions. */
export interface BulkActions {
  /** `completedById`: only that person's. */
  deleteAnnotations(
    selection: TaskSelection & { readonly completedById?: number | undefined },
  ): Promise<BulkResult>;
  deletePredictions(selection: TaskSelection): Promise<BulkResult>;
  deleteGroundTruths(selection: TaskSelection): Promise<BulkResult>;
  removeDuplicates(selection: TaskSelection): Promise<BulkResult>;
  acceptPredictions(
    selection: TaskSelection & {
      readonly actorId: number;
      readonly modelVersion?: string | undefined;
    },
  ): Promise<BulkResult>;
}

/** What the handlers of annotations, predictions and drafts know of the database. */
export interface AnnotationRepositories {
  readonly annotationWrites: AnnotationWrites;
  readonly annotationEvents: AnnotationEvents;
  readonly eventAccess: EventAccessRepository;
  readonly bulkActions: BulkActions;
  readonly drafts: DraftRepository;
  readonly predictions: PredictionRepository;
  readonly predictionImport: (request: PredictionsToImport) => Promise<PredictionsImported>;
}

/** The repositories over one database. */
export function createAnnotationRepositories(database: Database): AnnotationRepositories {
  return {
    annotationWrites: {
      save: (save) => saveAnnotation(database, save),
      remove: (request) => deleteAnnotations(database, request),
    },
    annotationEvents: {
      applySaved: (event) => applySavedEvent(database, event),
      applyDeleted: (event) => applyDeletedEvent(database, event),
    },
    eventAccess: createEventAccessRepository(database),
    bulkActions: {
      deleteAnnotations: (selection) => deleteAnnotationsOfTasks(database, selection),
      deletePredictions: (selection) => deletePredictionsOfTasks(database, selection),
      deleteGroundTruths: (selection) => deleteGroundTruths(database, selection),
      removeDuplicates: (selection) => removeDuplicates(database, selection),
      acceptPredictions: (selection) => predictionsToAnnotations(database, selection),
    },
    drafts: createDraftRepository(database),
    predictions: createPredictionRepository(database),
    predictionImport: (request) => importPredictions(database, request),
  };
}
