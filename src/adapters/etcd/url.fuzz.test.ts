import fc from "fast-check";
import { expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { isEtcdUrl, parseEtcdUrl } from "./url.ts";

const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ...[
        "etcd://",
        "etcds://",
        "user:",
        "@",
        ":",
        "/",
        "?",
        "&",
        ",",
        "%",
        "%2F",
        "[::1]",
        "a.b",
        "a",
        ":2379",
        ":0",
        ":99999",
      ],
      ...["tls=true", "ca=/c", "cert=/c", "key=/k", "password-file=/p", "x=1", "\n", "#", " "],
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
);

test("any text is an address or a USAGE that says what is wrong", () => {
  const seen = new Set<boolean>();
  const text = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, fc.boolean(), (rest, isWhole) => {
      const url = isWhole ? `etcd://${rest}` : rest;
      try {
        const { endpoints } = parseEtcdUrl(url);
        seen.add(true);
        expect(isEtcdUrl(url)).toBe(true);
        expect(endpoints.length).toBeGreaterThan(0);
        for (const endpoint of endpoints)
          expect(endpoint).toMatch(/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+):\d{1,5}$/i);
      } catch (error) {
        if (!(error instanceof BicoastalError) || error.code !== "USAGE") throw error;
        seen.add(false);
        expect(error.message.length).toBeLessThan(600);
      }
    }),
    { numRuns: 3_000 },
  );
  expect(seen.size).toBe(2);
});

test("no message shows a password, whatever is in it and whatever else is wrong", () => {
  const odd = fc.constantFrom("", "/", "?", "%", "%zz", ":", ",", "\n", "&", "#", "[", " ");
  const after = fc.constantFrom(
    "host",
    "host:1",
    "host:99999",
    "ho st",
    "host/%zz",
    "host?x=1",
    "host,host",
    "",
    "host?tls=no",
  );
  fc.assert(
    fc.property(odd, odd, after, fc.constantFrom("SECRET", "31337"), (before, between, rest, secret) => {
      const url = `etcd://user:${before}${secret}${between}${secret}@${rest}`;
      try {
        parseEtcdUrl(url);
      } catch (error) {
        expect((error as Error).message, url).not.toContain(secret);
      }
    }),
    { numRuns: 2_000 },
  );
});
