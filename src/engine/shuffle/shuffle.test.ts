import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { stageId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import type { AggregateNode, CollectEnd, GroupNode, SortNode } from "../../plan/node.ts";
import {
  createMemoryEnvironment,
  mapShuffle,
  reduceShuffle,
  runShuffle,
} from "../../sim/ports/memory-shuffle.ts";
import { BlockWriter } from "./block/block-writer.ts";
import { createShuffleSink } from "./create-sink.ts";
import { openShuffle } from "./open-shuffle.ts";
import { readCollected } from "./read-collected.ts";
import type { KeyedSink, RowSink } from "./sink.ts";

const codecs = { codec: createMsgpackCodec(), crc32, gzip };
const input = { kind: "source", source: { format: "of", values: [], partitions: undefined } } as const;
const group: GroupNode = { kind: "group", input, key: "pair", combine: undefined, partitions: undefined };
const count: AggregateNode = {
  kind: "aggregate",
  input,
  key: "record",
  aggregator: "count",
  emit: "pair",
  empty: undefined,
  partitions: undefined,
};

const first: AggregateNode = {
  ...count,
  aggregator: {
    init: (value: unknown) => value,
    add: (value: unknown) => value,
    merge: (value: unknown) => value,
    finish: undefined,
  },
};

describe("groups", () => {
  const rows = Array.from({ length: 3000 }, (_, i) => [`key${i % 3}`, `value number ${i}`]);
  const valuesOf = (key: number): string[] =>
    rows.filter(([k]) => k === `key${key}`).map(([, v]) => v as string);

  /** Groups that do not fit: 3000 rows of some 40 bytes in 4 kB. */
  const streamed = (keep: (row: unknown) => unknown): Promise<unknown[]> =>
    runShuffle({ node: group, rows: [[[rows]]], partitions: 1, memoryBytes: 4096, codecs, keep }).then(
      ({ results }) => results.flat(),
    );
  type Row = readonly [string, Iterable<string>];

  it("stream from disk where they are large", async () => {
    const arrays = await streamed((row) => Array.isArray((row as Row)[1]));
    expect(arrays).toEqual([false, false, false]);
    expect(await streamed((row) => [...(row as Row)[1]])).toEqual([valuesOf(0), valuesOf(1), valuesOf(2)]);
  });

  it("may be read in part or not at all", async () => {
    const firsts = await streamed((row) => {
      const [key, values] = row as Row;
      if (key === "key1") return "skipped";
      for (const value of values) return value;
      return "empty";
    });
    expect(firsts).toEqual([valuesOf(0)[0], "skipped", valuesOf(2)[0]]);
  });

  it("are read once", async () => {
    const twice = streamed((row) => {
      const [, values] = row as Row;
      return [[...values], [...values]];
    });
    await expect(twice).rejects.toMatchObject({
      code: "GROUP_CONSUMED",
      message: expect.stringContaining("[...values]"),
      details: { key: "key0" },
    });
  });

  it("are keys like the arrays that they are where they fit", async () => {
    const env = createMemoryEnvironment(codecs);
    const nodes = [
      count,
      { kind: "sort", input, by: () => 0, descending: false, partitions: 1 },
      { kind: "top", input, by: () => 0, count: 3 },
      group,
      { ...group, combine: () => 0 },
    ] as const;
    for (const [n, node] of nodes.entries()) {
      const block = new BlockWriter({ ...env, key: `blocks/keys${n}` });
      const sink = createShuffleSink({
        sink: { kind: "shuffle", shuffle: node, side: 0 },
        sinkIndex: 0,
        partitions: 1,
        block,
        env,
        memoryBytes: 1,
      }) as KeyedSink;
      await streamed((row) => sink.add(row, n));
      sink.finish();
      const producer = { stage: stageId(0), sink: 0, blocks: [(await block.finish())!] };
      const back = await reduceShuffle({ node, sides: [[producer]], partitions: 1, env });
      const keys = [0, 1, 2].map((key) => [`key${key}`, valuesOf(key)]);
      if (node.kind === "aggregate") expect(back).toEqual([keys.map((key) => [key, 1])]);
      else if (node.kind === "group") expect(back).toEqual([keys.map((key) => [key, [n]])]);
      else expect(back).toEqual([[n, n, n]]);
    }
  });

  it("are not read after the next group has begun", async () => {
    let kept: Iterable<string> | undefined;
    const late = streamed((row) => {
      const before = kept;
      kept = (row as Row)[1];
      return before === undefined ? [] : [...before];
    });
    await expect(late).rejects.toMatchObject({ code: "GROUP_CONSUMED" });
    let iterator: Iterator<string> | undefined;
    const half = streamed((row) => {
      iterator ??= (row as Row)[1][Symbol.iterator]();
      return iterator.next();
    });
    await expect(half).rejects.toMatchObject({ code: "GROUP_CONSUMED" });
  });

  it("are not read after the input was closed", async () => {
    const env = createMemoryEnvironment(codecs);
    const sides = await mapShuffle({ node: group, rows: [[[rows]]], partitions: 1, env });
    const request = { node: group, partition: 0, partitions: 1, sides, env, memoryBytes: 4096 };
    const stream = await openShuffle(request);
    const batch = await stream.next();
    const [, values] = batch!.rows[0] as Row;
    stream.close();
    expect(() => [...values]).toThrowError(expect.objectContaining({ code: "GROUP_CONSUMED" }));
    expect(env.scratch.filesOpen).toBe(0);
    expect(await stream.next()).toBeUndefined();
  });

  it("become arrays as JSON", async () => {
    expect(await streamed((row) => JSON.parse(JSON.stringify(row)))).toEqual(
      [0, 1, 2].map((key) => [`key${key}`, valuesOf(key)]),
    );
  });

  it("become arrays when a sink keeps them", async () => {
    const env = createMemoryEnvironment(codecs);
    const block = new BlockWriter({ ...env, key: "blocks/collected" });
    const end: CollectEnd = { kind: "collect", input, rowsMax: 10, single: false };
    const sink = createShuffleSink({
      sink: { kind: "end", end, endIndex: 0 },
      sinkIndex: 0,
      partitions: 1,
      block,
      env,
      memoryBytes: 1,
    }) as RowSink;
    await streamed((row) => {
      const [key, values] = row as Row;
      sink.push({ key, nested: { values, list: [values === undefined] } });
      return undefined;
    });
    sink.finish();
    const collected: unknown[] = [];
    for await (const part of readCollected([(await block.finish())!], 0, env)) collected.push(...part);
    expect(collected).toEqual(
      [0, 1, 2].map((key) => ({ key: `key${key}`, nested: { values: valuesOf(key), list: [false] } })),
    );
  });

  it("of a cogroup stream side by side", async () => {
    const { results } = await runShuffle({
      node: { kind: "cogroup", left: input, right: input, partitions: undefined },
      rows: [[[rows]], [[rows.slice(0, 2000)], [[["key0", "last"]]] as unknown[][]]],
      partitions: 1,
      memoryBytes: 4096,
      codecs,
      keep(row) {
        const [key, [left, right]] = row as [string, [Iterable<string>, Iterable<string>]];
        const rights = right[Symbol.iterator]();
        let same = 0;
        for (const value of left) if (rights.next().value === value) same++;
        return [key, same];
      },
    });
    expect(results).toEqual([
      [
        ["key0", 667],
        ["key1", 667],
        ["key2", 666],
      ],
    ]);
  });
});

describe("a large shuffle", () => {
  const random = new Prng("large");
  const words = Array.from({ length: 300_000 }, () => `w${random.below(200_000)}`);

  it("counts more keys than a table holds, in memory and out of it", async () => {
    const expected = new Map<string, number>();
    for (const word of words) expected.set(word, (expected.get(word) ?? 0) + 1);
    const tasks = [words.slice(0, 250_000), words.slice(250_000)];
    for (const memoryBytes of [1 << 28, 1 << 20]) {
      const { results, env } = await runShuffle({
        node: count,
        rows: [[tasks]],
        partitions: 3,
        memoryBytes,
        codecs,
      });
      expect(env.scratch.bytesWritten > 0).toBe(memoryBytes === 1 << 20);
      expect(results.flat()).toHaveLength(expected.size);
      expect(new Map(results.flat() as [string, number][])).toEqual(expected);
      // The partitions are about as large as each other.
      for (const rows of results) expect(rows.length).toBeGreaterThan(expected.size / 4);
    }
  });

  it("sorts several runs of many frames into even ranges, reading little more than each", async () => {
    const node: SortNode = {
      kind: "sort",
      input,
      by: (word: string) => word,
      descending: false,
      partitions: 4,
    };
    const expected = [...words].sort();
    const env = createMemoryEnvironment(codecs);
    const tasks = [words.slice(0, 200_000), words.slice(200_000)];
    const sides = await mapShuffle({ node, rows: [[tasks]], partitions: 4, env });
    const results = await reduceShuffle({ node, sides, partitions: 4, env });
    expect(results.flat()).toEqual(expected);
    for (const rows of results) {
      expect(rows.length).toBeGreaterThan(words.length / 5);
      expect(rows.length).toBeLessThan(words.length / 3);
    }
    const stored = [...env.blobs.blobs.values()].reduce((sum, bytes) => sum + bytes.length, 0);
    const part = await openShuffle({ node, partition: 1, partitions: 4, sides, env, memoryBytes: 1 << 26 });
    while ((await part.next()) !== undefined);
    expect(part.bytesIn).toBeLessThan(stored / 2);
    // The same with more runs than may be open at a time.
    expect(await reduceShuffle({ node, sides, partitions: 4, env, memoryBytes: 1 })).toEqual(results);
  });

  it("keeps equal keys of a sort in one partition, in order", async () => {
    const node: SortNode = { kind: "sort", input, by: () => "same", descending: true, partitions: 3 };
    const numbers = Array.from({ length: 140_000 }, (_, i) => i);
    const { results } = await runShuffle({ node, rows: [[[numbers]]], partitions: 3, codecs });
    expect(results.filter((rows) => rows.length > 0)).toEqual([numbers]);
  });

  it("flushes accumulators that grow, and does not for those that do not", async () => {
    const grow: AggregateNode = {
      ...count,
      key: "all",
      emit: "result",
      aggregator: {
        init: (value: string) => [value],
        add(list: string[], value: string) {
          list.push(value);
          return list;
        },
        merge: (list: string[], more: string[]) => list.concat(more),
        finish: (list: string[]) => list.length,
      },
    };
    const long = "x".repeat(1000);
    const rows = Array.from({ length: 40_000 }, () => long);
    const env = createMemoryEnvironment(codecs);
    const sides = await mapShuffle({ node: grow, rows: [[[rows]]], partitions: 1, env });
    const merges: number[] = [];
    const merge = (list: string[], more: string[]): string[] => {
      merges.push(more.length);
      return list.concat(more);
    };
    const node: AggregateNode = { ...grow, aggregator: { ...(grow.aggregator as object), merge } as never };
    expect(await reduceShuffle({ node, sides, partitions: 1, env })).toEqual([[40_000]]);
    expect(merges.length).toBeGreaterThan(0);
    const keep: AggregateNode = {
      ...count,
      key: "all",
      emit: "result",
      aggregator: {
        init: () => ({ n: 1 }),
        add(box: { n: number }) {
          box.n++;
          return box;
        },
        merge: () => {
          throw new Error("there is one partial only");
        },
        finish: (box: { n: number }) => box.n,
      },
    };
    expect((await runShuffle({ node: keep, rows: [[[rows]]], partitions: 1, codecs })).results).toEqual([
      [40_000],
    ]);
  });
});

describe("failures", () => {
  it("name the block that is lost or damaged", async () => {
    const env = createMemoryEnvironment(codecs);
    const rows = [[[["a"], ["b"]]]];
    const sides = await mapShuffle({ node: count, rows, partitions: 1, env });
    const blob = env.blobs.blobs.get("blocks/0.0.1") as Uint8Array;
    blob[20]! ^= 1;
    await expect(reduceShuffle({ node: count, sides, partitions: 1, env })).rejects.toMatchObject({
      code: "BLOB_CORRUPT",
      details: { key: "blocks/0.0.1" },
    });
    env.blobs.blobs.delete("blocks/0.0.0");
    await expect(reduceShuffle({ node: count, sides, partitions: 1, env })).rejects.toMatchObject({
      code: "BLOB_MISSING",
      details: { key: "blocks/0.0.0" },
    });
  });

  it("of the user's functions come through as they are, and leave no scratch", async () => {
    const failure = new Error("mine");
    const node: AggregateNode = {
      ...count,
      aggregator: {
        init: () => [1],
        add: (a: number[]) => a,
        merge: () => {
          throw failure;
        },
        finish: undefined,
      },
    };
    const env = createMemoryEnvironment(codecs);
    const tasks = [["a", "b", "c"], ["d"], ["a"]];
    const sides = await mapShuffle({ node, rows: [[tasks]], partitions: 1, env });
    for (const memoryBytes of [1, 1 << 20]) {
      await expect(reduceShuffle({ node, sides, partitions: 1, env, memoryBytes })).rejects.toBe(failure);
      expect(env.scratch.filesOpen).toBe(0);
    }
  });

  it("refuse keys that cannot be compared, in every operator that has them", async () => {
    const by = (): unknown => new Map();
    const nodes = [
      { kind: "sort", input, by, descending: false, partitions: 1 },
      { kind: "top", input, by, count: 2 },
      { kind: "group", input, key: by, combine: undefined, partitions: 1 },
      { ...count, key: by },
    ] as const;
    for (const node of nodes) {
      const run = runShuffle({ node, rows: [[[["row"]]]], partitions: 1, codecs });
      await expect(run, node.kind).rejects.toMatchObject({ code: "KEY_INVALID" });
    }
  });

  it("give batches of few large rows, so that memory is not full of them", async () => {
    const env = createMemoryEnvironment(codecs);
    const largeBytes = 300_000;
    const rows = Array.from({ length: 40 }, (_, i) => [i, String(i % 10).repeat(largeBytes)] as const);
    const nodes = [
      group,
      { kind: "sort", input, by: (row: readonly unknown[]) => row[0], descending: false, partitions: 1 },
      { kind: "join", left: input, right: input, how: "inner", strategy: "shuffle", partitions: 1 },
      { kind: "cogroup", left: input, right: input, partitions: 1 },
      { ...first, key: "pair", emit: "pair" },
    ] as const;
    for (const node of nodes) {
      const twoSides = node.kind === "join" || node.kind === "cogroup";
      const sides = await mapShuffle({
        node,
        rows: twoSides ? [[[rows]], [[rows]]] : [[[rows]]],
        partitions: 1,
        env,
      });
      const opened = await openShuffle({
        node,
        partition: 0,
        partitions: 1,
        sides,
        env,
        memoryBytes: 1 << 24,
      });
      let taken = 0;
      for (let batch = await opened.next(); batch !== undefined; batch = await opened.next()) {
        expect(batch.count, node.kind).toBeLessThanOrEqual(Math.ceil((1 << 20) / largeBytes));
        taken += batch.count;
      }
      opened.close();
      expect(taken, node.kind).toBe(rows.length);
    }
  });

  it("stop collecting at the bound, and say how to lift it", async () => {
    const env = createMemoryEnvironment(codecs);
    const end: CollectEnd = { kind: "collect", input, rowsMax: 3, single: false };
    const collect = async (key: string, rows: readonly unknown[]) => {
      const block = new BlockWriter({ ...env, key });
      const sink = createShuffleSink({
        sink: { kind: "end", end, endIndex: 0 },
        sinkIndex: 1,
        partitions: 1,
        block,
        env,
        memoryBytes: 1,
      }) as RowSink;
      for (const row of rows) sink.push(row);
      sink.finish();
      return block.finish();
    };
    await expect(collect("b/0", [1, 2, 3, 4])).rejects.toMatchObject({
      code: "COLLECT_TOO_LARGE",
      message: expect.stringMatching(/more than 3 records.*collect\(\{ limit.*write/),
    });
    expect(await collect("b/2", [])).toBeUndefined();
    const refs = [(await collect("b/1", [1, 2]))!, (await collect("b/3", [3, 4]))!];
    const read = async (rowsMax: number): Promise<unknown[]> => {
      const rows: unknown[] = [];
      for await (const part of readCollected(refs, 1, env, { rowsMax })) rows.push(...part);
      return rows;
    };
    expect(await read(4)).toEqual([1, 2, 3, 4]);
    await expect(read(3)).rejects.toMatchObject({ code: "COLLECT_TOO_LARGE" });
  });
});
