import { describe, expect, test } from "vitest";
import { contentHash } from "../../base/ids.ts";
import type { Plan } from "../../plan/node.ts";
import { createJobLoader, type JobToLoad, type RunnableJob } from "./job-loader.ts";

let hashes = 0;
const contextOf = (): JobToLoad => ({
  name: "mine",
  constants: { bundle: contentHash(`bundle${hashes++}`) },
});
const mine: RunnableJob = { name: "mine", build: (): Plan => ({ ends: [], shape: "single" }) };

/** A loader over a module that is this function: it may define the job and park. */
function loaderOf(module: (define: () => void, park: () => void) => Promise<unknown>) {
  let parked = (): void => {};
  let defined: RunnableJob | undefined;
  let evaluations = 0;
  const define = (): void => {
    defined = mine;
  };
  const load = createJobLoader({
    evaluate: () => {
      evaluations++;
      return module(define, () => parked());
    },
    findJob: (name) => (defined?.name === name ? defined : undefined),
    onParked(callback) {
      parked = callback;
      return () => {
        parked = () => {};
      };
    },
  });
  return { load, define, evaluations: () => evaluations };
}

describe("a job's module", () => {
  test("is evaluated to its end before its job counts as loaded", async () => {
    const steps: string[] = [];
    const { load } = loaderOf(async (define) => {
      define();
      await Promise.resolve();
      steps.push("end of module");
    });
    expect(await load(contextOf())).toBe(mine);
    expect(steps).toEqual(["end of module"]);
  });

  test("is evaluated once, for all its jobs and callers", async () => {
    const { load, evaluations } = loaderOf(async (define) => define());
    const context = contextOf();
    await Promise.all([load(context), load(context)]);
    await load(context);
    expect(evaluations()).toBe(1);
  });

  test("is evaluated again after it failed, because its bundle may have been out of reach", async () => {
    let reachable = false;
    const { load } = loaderOf(async (define) => {
      if (!reachable) throw new Error("out of reach");
      define();
    });
    const context = contextOf();
    await expect(load(context)).rejects.toMatchObject({ code: "BUNDLE_FAILED" });
    reachable = true;
    expect(await load(context)).toBe(mine);
  });

  test("that parks is loaded then, for later loaders of the process too", async () => {
    const { load } = loaderOf(async (define, park) => {
      await Promise.resolve();
      define();
      park();
      await new Promise(() => {});
    });
    const context = contextOf();
    expect(await load(context)).toBe(mine);
    const another = loaderOf(() => Promise.reject(new Error("evaluated again")));
    another.define();
    expect(await another.load(context)).toBe(mine);
  });

  test("that does not define the job says which one is missing", async () => {
    const { load } = loaderOf(async () => {});
    await expect(load(contextOf())).rejects.toMatchObject({
      code: "BUNDLE_FAILED",
      message: expect.stringContaining('The job "mine" is not defined'),
      details: { job: "mine" },
    });
  });

  test("may throw what is no Error", async () => {
    const { load } = loaderOf(() => Promise.reject("just text"));
    await expect(load(contextOf())).rejects.toMatchObject({
      code: "BUNDLE_FAILED",
      message: expect.stringContaining("just text"),
    });
  });
});
