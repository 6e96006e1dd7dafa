import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { KeyValueSchema } from "./etcd-messages.ts";
import { KeySpace, leaseNumber } from "./keys.ts";

describe("the keys of one store among others'", () => {
  test.each(["k", "\ufeffmark", "\0", "\u{1f600}", "ü/\uffff"])("come back as they were: %j", (key) => {
    const keys = new KeySpace("tëam/");
    expect(keys.keyOf(keys.bytesOf(key))).toBe(key);
  });

  test("begin with the prefix", () => {
    expect(Buffer.from(new KeySpace("team/").bytesOf("k")).toString()).toBe("team/k");
  });

  test("are not keys of others", () => {
    const keys = new KeySpace("team/");
    expect(() => keys.keyOf(new TextEncoder().encode("tea"))).toThrow("not asked for");
  });

  test("hang on a lease, or on none", () => {
    const keys = new KeySpace("p/");
    const made = { key: keys.bytesOf("k"), createRevision: 2n, modRevision: 2n, version: 1n };
    const entry = (lease: string) => keys.entryOf(create(KeyValueSchema, { ...made, lease }));
    expect([entry("0").lease, entry("77").lease]).toEqual([undefined, "77"]);
  });
});

test.each(["", "0", "-5", "1.5", "abc", "9223372036854775808", "99999999999999999999"])(
  "%j is a lease that has ended",
  (id) => {
    expect(leaseNumber(id)).toBe("-1");
  },
);
test("etcd's own leases keep their numbers", () => {
  expect(["1", "9223372036854775807"].map(leaseNumber)).toEqual(["1", "9223372036854775807"]);
});
