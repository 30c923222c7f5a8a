import { notFound } from "../../api-error.ts";
import type { ApiDeps } from "../../deps.ts";
import { identityOf } from "../../identity.ts";

/** The project of a path, 404 for a foreign one. */
export async function findProject(
  { projects }: Pick<ApiDeps, "projects">,
  request: Parameters<typeof identityOf>[0] & { readonly params: { readonly id: number } },
): Promise<{ readonly organizationId: number; readonly projectId: number }> {
  const { organizationId } = identityOf(request);
  const project = await projects.find(organizationId, request.params.id);
  if (project === undefined) throw notFound("Project");
  return { organizationId, projectId: project.id };
}
