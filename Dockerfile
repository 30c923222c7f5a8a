# One image, the role is the command: api, worker, migrate, make-env (deploy/entrypoint.mjs).
#   docker build -t bucketbridge .
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS base
WORKDIR /label-studio

# Package files alone, so that a changed source file does not install again and a new package needs no line here.
FROM base AS manifests
COPY package.json package-lock.json .npmrc ./
COPY apps apps
COPY packages packages
RUN find apps packages -type f ! -name package.json -delete

# What the processes need to run. Workspaces stay links: Node strips no types below node_modules.
FROM base AS modules
COPY --from=manifests /label-studio ./
RUN npm ci --workspace @bucketbridge/api --workspace @bucketbridge/worker \
      --omit=dev --omit=optional --ignore-scripts --cache /tmp/npm \
 # Compilers for other databases, and what only editors read: two fifths of the folder.
 && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name '*.postgresql.*' -delete \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

# The Prisma CLI is a development dependency; only what it generates goes on.
FROM base AS generated
COPY package.json package-lock.json .npmrc ./
RUN npm ci --workspaces=false --omit=optional --ignore-scripts --cache /tmp/npm
COPY prisma prisma
COPY prisma.config.ts ./
COPY scripts scripts
RUN node scripts/generate.mjs

FROM base AS release
COPY --from=modules /label-studio ./
COPY prisma/migrations prisma/migrations
COPY scripts/db.ts scripts/make-env.mjs scripts/
COPY scripts/launcher/paths.mjs scripts/launcher/
COPY deploy deploy
COPY packages packages
COPY apps/api apps/api
COPY apps/worker apps/worker
COPY --from=generated /label-studio/packages/db/generated packages/db/generated
# Every container answers on the same port, whatever its role, so that one health check serves all.
ENV NODE_ENV=production \
    HOST=0.0.0.0 PORT=8080 \
    BUCKETBRIDGE_WORKER_HOST=0.0.0.0 BUCKETBRIDGE_WORKER_PORT=8080 \
    BUCKETBRIDGE_PERSISTENCE_FOLDER=/files \
    NODE_COMPILE_CACHE=/opt/compile-cache
# Node keeps compiled code per user. Filled here, it is read from a read-only file system at every start.
# A volume that is mounted on /files takes its owner over.
RUN mkdir /opt/compile-cache /files && chown 1000:1000 /opt/compile-cache /files
USER 1000:1000
RUN node deploy/entrypoint.mjs warm
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "deploy/healthcheck.mjs"]
ENTRYPOINT ["node", "deploy/entrypoint.mjs"]
CMD ["api"]
