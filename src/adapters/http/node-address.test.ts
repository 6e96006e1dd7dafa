import { describe, expect, test } from "vitest";
import { assertFindable, bareHost, findableAt } from "./node-address.ts";

const check = (host: string, address?: string) => () => assertFindable({ host, address });

describe("where a node is found", () => {
  test.each(["0.0.0.0", "::", "[::]", "0:0:0:0:0:0:0:0"])(
    "not at all addresses of its machine: %s",
    (host) => {
      expect(check(host)).toThrow(expect.objectContaining({ code: "USAGE" }));
      expect(check(host)).toThrow("--address HOST:PORT");
      expect(check(host, "10.0.0.7:7400")).not.toThrow();
      const own = host.includes(":") ? `[${bareHost(host)}]:7400` : `${host}:7400`;
      expect(check("10.0.0.7", own)).toThrow("no other machine finds this one there");
    },
  );

  test.each(["10.0.0.7", "127.0.0.1", "::1", "[fd00::7]", "10.0.0.0", "node-0.example"])(
    "at the host it listens on: %s",
    (host) => {
      expect(check(host)).not.toThrow();
    },
  );

  test.each(["10.0.0.7", "a:0", "a:65536", ":7400", "a b:1", "http://a:1", "fd00::7:7400", "a:1/x", "a:"])(
    "not at %j",
    (address) => {
      expect(check("127.0.0.1", address)).toThrow(JSON.stringify(address));
    },
  );

  test("as others write it", () => {
    expect(findableAt({ host: "10.0.0.7", address: undefined }, 7400)).toBe("10.0.0.7:7400");
    expect(findableAt({ host: "::1", address: undefined }, 7400)).toBe("[::1]:7400");
    expect(findableAt({ host: "[::1]", address: undefined }, 7400)).toBe("[::1]:7400");
    expect(findableAt({ host: "0.0.0.0", address: "east-1:1" }, 7400)).toBe("east-1:1");
  });
});
