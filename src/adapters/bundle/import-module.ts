/**
 * How a job's module is imported. Our own code may have been compiled where nothing can be imported: the file that
 * started it can, and says how.
 */
export type ImportModule = (url: string) => Promise<unknown>;

let importBy: ImportModule = (url) => import(url);

export const importModule: ImportModule = (url) => importBy(url);

/** From now on modules are imported by this function. */
export function importModulesBy(importModule: ImportModule): void {
  importBy = importModule;
}
