import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { storeError, textOf, Unreachable } from "./errors.ts";

const reported = (code: number, details: string): Error =>
  Object.assign(new Error(details), { code, details });
const endpoints = ["h1:2379", "h2:2379"];

describe("what etcd reports becomes", () => {
  test.each([
    [status.NOT_FOUND, "etcdserver: requested lease not found", "LEASE_GONE"],
    [status.INVALID_ARGUMENT, "etcdserver: too many operations in txn request", "STORE_REFUSED"],
    [status.INVALID_ARGUMENT, "etcdserver: request is too large", "STORE_REFUSED"],
    [status.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 8)", "STORE_REFUSED"],
    [status.DATA_LOSS, "etcdserver: corrupt cluster", "STORE_CORRUPT"],
    [status.PERMISSION_DENIED, "etcdserver: permission denied", "STORE_UNAVAILABLE"],
    [
      status.INVALID_ARGUMENT,
      "etcdserver: authentication failed, invalid user ID or password",
      "STORE_UNAVAILABLE",
    ],
    [status.UNAVAILABLE, "etcdserver: no leader", "STORE_UNAVAILABLE"],
    [status.RESOURCE_EXHAUSTED, "etcdserver: too many requests", "STORE_UNAVAILABLE"],
    [status.UNIMPLEMENTED, "unknown service etcdserverpb.KV", "STORE_UNAVAILABLE"],
  ])("%i %s: %s, and nothing was done", (code, details, expected) => {
    for (const isWrite of [false, true])
      expect(storeError(reported(code, details), endpoints, isWrite)).toMatchObject({
        code: expected,
        details: { outcome: "failed", endpoints },
        message: expect.stringContaining("h1:2379, h2:2379"),
      });
  });

  test.each([
    [status.UNAVAILABLE, "etcdserver: request timed out"],
    [status.UNAVAILABLE, "etcdserver: request timed out, possibly due to previous leader failure"],
    [status.UNAVAILABLE, "etcdserver: leader changed"],
    [status.UNAVAILABLE, "etcdserver: server stopped"],
    [status.UNAVAILABLE, "Connection dropped"],
    [status.DEADLINE_EXCEEDED, "Deadline exceeded after 2.000s"],
    [status.CANCELLED, "Call cancelled"],
    [status.INTERNAL, "Received RST_STREAM with code 2"],
    [status.UNKNOWN, "whatever"],
  ])("%i %s: unknown for a write, failed for a read", (code, details) => {
    const outcomes = [true, false].map((isWrite) => storeError(reported(code, details), endpoints, isWrite));
    expect(outcomes).toMatchObject([
      { code: "STORE_UNAVAILABLE", retryable: true, details: { outcome: "unknown" } },
      { code: "STORE_UNAVAILABLE", retryable: true, details: { outcome: "failed" } },
    ]);
  });

  test("a write to one that is full may have been done", () => {
    const full = reported(status.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded");
    const outcomes = [true, false].map((isWrite) => storeError(full, endpoints, isWrite));
    expect(outcomes).toMatchObject([
      { code: "DISK_FULL", retryable: true, details: { outcome: "unknown" } },
      { code: "DISK_FULL", retryable: true, details: { outcome: "failed" } },
    ]);
  });

  test("what was never sent has failed, and what is no report stays what it is", () => {
    expect(storeError(new Unreachable("refused"), endpoints, true)).toMatchObject({
      code: "STORE_UNAVAILABLE",
      details: { outcome: "failed" },
    });
    const bug = new TypeError("x is not a function");
    expect(storeError(bug, endpoints, true)).toBe(bug);
  });

  test.each([
    [
      "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ",
      "connect ECONNREFUSED 127.0.0.1:1",
    ],
    ["No connection established. Last error: null. Resolution note: x", "null. Resolution note: x"],
    ["etcdserver: no leader", "etcdserver: no leader"],
  ])("without what gRPC says around it: %s", (said, text) => {
    expect(textOf(reported(status.UNAVAILABLE, said))).toBe(text);
  });
});
