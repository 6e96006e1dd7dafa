/**
 * How a bundled job reaches this package. A bundle does not carry a copy of it: it takes the package's values
 * from a global symbol, so that all code of a process shares one.
 *
 * Loads nothing but what jobs are written with: a thread that runs tasks must not load the store or the
 * bundler.
 */
import { BicoastalError } from "../base/errors.ts";
import { jobOfBundle } from "./bundle-job.ts";
import { defineConfig } from "./config.ts";
import type { job } from "./job.ts";
import { read } from "./read.ts";

/** Every value the package exports. */
export interface ApiValues {
  readonly job: typeof job;
  readonly read: typeof read;
  readonly BicoastalError: typeof BicoastalError;
  readonly run: (...args: never[]) => unknown;
  readonly connect: (...args: never[]) => unknown;
  readonly defineConfig: typeof defineConfig;
}

/** The names a bundle may import from the package. */
export const apiNames: readonly (keyof ApiValues)[] = Object.freeze([
  "BicoastalError",
  "connect",
  "defineConfig",
  "job",
  "read",
  "run",
]);

const API = Symbol.for("bicoastal.api");

/**
 * To be called before a bundle is loaded. A bundle is only ever loaded for its jobs: a program that calls
 * `run` or `connect` beside its job does not start a job again there. The calls never settle, so the code
 * behind them is not reached; `onCall` hears of each.
 */
export function installTaskApi(onCall: () => void = () => {}): void {
  const never = (): Promise<never> => {
    onCall();
    return new Promise(() => {});
  };
  const holder = globalThis as { [API]?: ApiValues };
  holder[API] = Object.freeze({
    job: jobOfBundle,
    read,
    BicoastalError,
    run: never,
    connect: never,
    defineConfig,
  });
}
