import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the messages are those of etcd.proto as it stands: else run node scripts/etcd-messages.mjs", () => {
  const read = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
  const made = /SHA-256 of etcd\.proto: (\w+)/.exec(read("etcd-messages.ts").toString())?.[1];
  expect(made).toBe(createHash("sha256").update(read("etcd.proto")).digest("hex"));
});
