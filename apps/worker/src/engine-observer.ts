import type { LoadStore, ScanStore } from "@bucketbridge/sync";

/** Work of this process that was committed. */
export interface WorkObserver {
  onPage(keys: number): void;
  onRows(rows: number): void;
}

/** Tells the observer of each committed page. */
export function observeScans(scans: ScanStore, observer: WorkObserver): ScanStore {
  const page = async <T>(keys: number, saving: Promise<T | undefined>): Promise<T | undefined> => {
    const saved = await saving;
    if (saved !== undefined) observer.onPage(keys);
    return saved;
  };
  return {
    takeUnit: (run, owner) => scans.takeUnit(run, owner),
    renewUnit: (lease) => scans.renewUnit(lease),
    releaseUnit: (lease) => scans.releaseUnit(lease),
    restartUnit: (lease) => scans.restartUnit(lease),
    insertFilesPage: (lease, listed, references) =>
      page(listed.keys.length, scans.insertFilesPage(lease, listed, references)),
    insertTasksPage: (lease, listed) =>
      page(listed.keys.length, scans.insertTasksPage(lease, listed)),
    recordDryRunPage: (lease, dryRun) =>
      page(dryRun.page.keys.length, scans.recordDryRunPage(lease, dryRun)),
  };
}

/** Tells the observer of each committed batch of rows. */
export function observeLoads(loads: LoadStore, observer: WorkObserver): LoadStore {
  return {
    claim: (run, owner, limits) => loads.claim(run, owner, limits),
    renew: (run, objects) => loads.renew(run, objects),
    release: (run, objects) => loads.release(run, objects),
    fail: (run, object, failure) => loads.fail(run, object, failure),
    forget: (run, object) => loads.forget(run, object),
    saveBatch: async (run, batch) => {
      const saved = await loads.saveBatch(run, batch);
      if (saved !== undefined) observer.onRows(saved.inserted);
      return saved;
    },
  };
}
