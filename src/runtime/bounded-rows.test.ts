import { expect, it } from "vitest";
import { boundedRows } from "./bounded-rows.ts";
import type { ReadRows } from "./commit.ts";

const source: ReadRows = async function* () {
  for (let part = 0; part < 10; part++)
    yield Array.from({ length: 100 }, (_, i) => `${part}/${i}`.padEnd(1000));
};

async function rowsOf(read: ReadRows): Promise<number> {
  let rows = 0;
  for await (const some of read([], 0)) rows += some.length;
  return rows;
}

it("gives all rows that fit, over all calls", async () => {
  const read = boundedRows(source, 1_100_000);
  expect(await rowsOf(read)).toBe(1000);
  await expect(rowsOf(read)).rejects.toMatchObject({ code: "COLLECT_TOO_LARGE" });
});

it("says how much they may take, and what to do", async () => {
  await expect(rowsOf(boundedRows(source, 500_000))).rejects.toMatchObject({
    code: "COLLECT_TOO_LARGE",
    message: expect.stringMatching(/more than 0 MiB.*write\("jsonl", directory\).*--memory/),
    details: { bytesMax: 500_000 },
  });
});
