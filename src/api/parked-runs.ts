import { installTaskApi } from "./install-api.ts";

const callbacks = new Set<() => void>();

/**
 * Makes `run` and `connect` do nothing for the modules of jobs that this process or thread loads, now and later: a script
 * that defines a job and runs it must not run it again where it is loaded for its job.
 */
export function parkRuns(): void {
  installTaskApi(() => {
    for (const callback of [...callbacks]) callback();
  });
}

/** Calls back when a loaded module calls `run` or `connect`, which never settle. Returns a function that ends that. */
export function onParked(callback: () => void): () => void {
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
  };
}
