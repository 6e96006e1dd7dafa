import * as valibot from "valibot";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import { type Job, job } from "./job.ts";
import type { WriteResult } from "./operators/write.ts";
import { read } from "./read.ts";
import { run } from "./run.ts";
import type { Session } from "./session.ts";

test("defaults are widened, and the result follows from what run returns", () => {
  const wordcount = job({
    name: "wordcount",
    params: { input: "books/*.txt", top: 20, tags: ["a"], deep: { on: true } },
    run: ({ input, top, tags, deep }) => {
      expectTypeOf(input).toEqualTypeOf<string>();
      expectTypeOf(top).toEqualTypeOf<number>();
      expectTypeOf(tags).toEqualTypeOf<string[]>();
      expectTypeOf(deep).toEqualTypeOf<{ on: boolean }>();
      return read
        .lines(input)
        .flatMap((line) => line.toLowerCase().match(/[a-z']+/g) ?? [])
        .countBy((word) => word)
        .top(top, ([, count]) => count);
    },
  });
  expectTypeOf(wordcount).toEqualTypeOf<
    Job<{ input?: string; top?: number; tags?: string[]; deep?: { on: boolean } }, [string, number][]>
  >();
});

test("no params, one end, and several", () => {
  expectTypeOf(job({ name: "a", run: () => read.range(3).count() })).toEqualTypeOf<
    // biome-ignore lint/complexity/noBannedTypes: what no params are
    Job<{}, number>
  >();
  const several = job({
    name: "a",
    run: () => {
      const lines = read.lines("a");
      return { lines, total: lines.count(), files: lines.write("text", "out") };
    },
  });
  type ResultOfSeveral = typeof several extends Job<infer _, infer Result> ? Result : never;
  expectTypeOf<ResultOfSeveral>().toEqualTypeOf<{
    readonly lines: string[];
    readonly total: number;
    readonly files: WriteResult;
  }>();
  // @ts-expect-error: nothing comes back
  job({ name: "a", run: () => {} });
  // @ts-expect-error: a promise
  job({ name: "a", run: async () => read.range(3) });
  // @ts-expect-error: no such param
  job({ name: "a", params: { top: 3 }, run: ({ tpo }) => read.range(tpo) });
});

test("schemas: callers pass the input type, run is given the output type", () => {
  const zod = job({
    name: "a",
    params: z.object({ top: z.number().default(3), ids: z.string().transform((text) => text.split(",")) }),
    run: ({ top, ids }) => {
      expectTypeOf(top).toEqualTypeOf<number>();
      expectTypeOf(ids).toEqualTypeOf<string[]>();
      return read.of(ids);
    },
  });
  expectTypeOf(zod).toEqualTypeOf<Job<{ top?: number | undefined; ids: string }, string[]>>();
  const vali = job({
    name: "b",
    params: valibot.object({ top: valibot.number() }),
    run: ({ top }) => read.range(top),
  });
  expectTypeOf(vali).toEqualTypeOf<Job<{ top: number }, number[]>>();
});

test("running: params may be left out where none is required, and only there", () => {
  const byDefaults = job({ name: "a", params: { top: 3 }, run: ({ top }) => read.range(top) });
  const bySchema = job({
    name: "b",
    params: z.object({ top: z.number() }),
    run: ({ top }) => read.range(top).count(),
  });
  // Types alone: nothing runs.
  const check = async (session: Session) => {
    expectTypeOf(await run(byDefaults)).toEqualTypeOf<number[]>();
    expectTypeOf(await run(byDefaults, { top: 2 }, { threads: 1, dataDir: "d" })).toEqualTypeOf<number[]>();
    expectTypeOf(await run(bySchema, { top: 2 })).toEqualTypeOf<number>();
    expectTypeOf((await session.run(bySchema, { top: 2 })).result).toEqualTypeOf<number>();
    // @ts-expect-error: top is required
    await run(bySchema);
    // @ts-expect-error: top is a number
    await run(byDefaults, { top: "2" });
    // @ts-expect-error: no such param
    await session.run(byDefaults, { tpo: 2 });
  };
  expectTypeOf(check).toBeFunction();
});

test("every job is a job of unknown types", () => {
  expectTypeOf<Job<{ top: number }, string[]>>().toExtend<Job>();
});
