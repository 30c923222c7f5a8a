import type { ProjectAccessRepository, ProjectPart } from "@bucketbridge/db";
import type { FastifyRequest } from "fastify";
import { notFound, type WireModel } from "./api-error.ts";
import { identityOf, type Identity, type PathSubject } from "./identity.ts";
import { isMembersOnly } from "./permissions.ts";

/** Path ids by kind: where they are digits and small enough to be ids. */
const MODEL: Readonly<Record<ProjectPart, WireModel>> = {
  project: "Project",
  task: "Task",
  annotation: "Annotation",
  draft: "AnnotationDraft",
};

/** Who sees which projects: everybody of the organisation, or its members alone, by role. What is not seen is not there. */
export class ProjectAccess {
  readonly #repository: ProjectAccessRepository;

  constructor(repository: ProjectAccessRepository) {
    this.#repository = repository;
  }

  /** Throws the contract's 404 when the `id` of the path is not the caller's organisation, or lies in a project that he does not see. */
  async assertSeen(request: FastifyRequest, kind: PathSubject): Promise<void> {
    if (kind === "own") return;
    const { id } = request.params as Readonly<Record<string, string | undefined>>;
    const number = id !== undefined && /^\d{1,15}$/.test(id) ? Number(id) : undefined;
    if (kind === "organization") {
      if (number !== identityOf(request).organizationId) throw notFound("Organization");
      return;
    }
    if (!isMembersOnly(identityOf(request).role)) return;
    if (kind === "person") {
      if (number !== identityOf(request).userId) throw notFound("User");
      return;
    }
    if (number !== undefined && (await this.#isSeen(identityOf(request), kind, number))) return;
    request.isOutsideProject = true;
    throw notFound(MODEL[kind]);
  }

  /** The same for a project that the request names elsewhere. */
  async assertProjectSeen(request: FastifyRequest, projectId: number): Promise<void> {
    const identity = identityOf(request);
    if (isMembersOnly(identity.role) && !(await this.#isSeen(identity, "project", projectId)))
      throw notFound("Project");
  }

  /** The projects that lists are limited to; undefined: all of the organisation. */
  async visibleProjects(request: FastifyRequest): Promise<readonly number[] | undefined> {
    const { role, organizationId, userId } = identityOf(request);
    if (!isMembersOnly(role)) return undefined;
    return this.#repository.listProjectIds(organizationId, userId);
  }

  #isSeen({ organizationId, userId }: Identity, kind: ProjectPart, id: number): Promise<boolean> {
    if (kind === "project" && id > MAX_INT) return Promise.resolve(false);
    return this.#repository.isMember(organizationId, userId, { kind, id });
  }
}

const MAX_INT = 2 ** 31 - 1;
