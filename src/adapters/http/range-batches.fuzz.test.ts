/**
 * Ranges that are asked for together, of a node that answers anything. Whoever asks gets bytes of the length that is said with
 * them, nothing (and asks by itself), or an error that names the blob; and nobody waits for ever.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { nodeId } from "../../base/ids.ts";
import type { PeerAnswer, PeerClient, PeerRequest } from "./peer-client.ts";
import { RangeBatches } from "./range-batches.ts";
import { askedText, type GivenRange, givenText, parseAsked, parseGiven } from "./range-list.ts";
import { RANGES_MAX, RANGES_TEXT_MAX } from "./server-limits.ts";

const key = fc
  .array(fc.stringMatching(/^[A-Za-z0-9_-]{1,200}$/), { minLength: 1, maxLength: 4 })
  .map((names) => names.join("/"));
const place = fc.nat(1e6);
const range = fc.oneof(
  fc.tuple(place, place).map(([first, bytes]) => `bytes=${first}-${first + bytes}`),
  place.map((bytes) => `bytes=-${bytes}`),
);
const given: fc.Arbitrary<GivenRange | undefined> = fc.option(
  fc
    .record({ offset: place, bytes: fc.integer({ min: 1, max: 300 }), after: place })
    .map(({ offset, bytes, after }) => ({ range: { offset, bytes }, size: offset + bytes + after })),
  { nil: undefined },
);

test("lists of ranges mean on the other side what they meant", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ key, range }), { minLength: 1, maxLength: RANGES_MAX }),
      fc.array(given, { minLength: 1, maxLength: RANGES_MAX }),
      (asked, answered) => {
        const text = asked.map(askedText).join(",");
        expect(parseAsked(text)).toEqual(text.length > RANGES_TEXT_MAX ? undefined : asked);
        const told = answered.map(givenText).join(",");
        expect(parseGiven(told, answered.length)).toEqual(answered);
        expect(parseGiven(told, answered.length + 1)).toBeUndefined();
      },
    ),
  );
});

type Way =
  | "right"
  | "refuses"
  | "is gone"
  | "breaks off"
  | "too few"
  | "too many"
  | "other ranges"
  | "nonsense";

/** The right bytes of a range are its place in the list, over and over. */
function answerTo(
  { headers = {} }: PeerRequest,
  way: Way,
  ranges: readonly (GivenRange | undefined)[],
): PeerAnswer {
  const { length } = headers["bicoastal-ranges"]?.split(",") ?? [];
  const mine = Array.from({ length }, (_, index) => ranges[index % ranges.length]);
  const body = Buffer.concat(mine.map((one, index) => Buffer.alloc(one?.range.bytes ?? 0, index)));
  const told = way === "other ranges" ? mine.slice(1) : mine;
  const text = way === "nonsense" ? "0-1,,x" : told.map(givenText).join(",");
  return {
    status: way === "refuses" ? 404 : 200,
    headers: { "bicoastal-ranges": text },
    async bytes(bytesMax) {
      if (way === "breaks off") throw new Error("the answer broke off");
      if (way === "too few") return body.subarray(1);
      if (way === "too many") return Buffer.concat([body, Buffer.alloc(1)]);
      expect(body.length).toBeLessThanOrEqual(bytesMax);
      return body;
    },
    drop() {},
  };
}

test("what comes of a request is each one's own", async () => {
  const way = fc.constantFrom<Way>(
    ...([
      "right",
      "refuses",
      "is gone",
      "breaks off",
      "too few",
      "too many",
      "other ranges",
      "nonsense",
    ] as const),
  );
  const node = fc.constantFrom(nodeId("a"), nodeId("b"));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ node, key, range }), { minLength: 1, maxLength: 30 }),
      fc.array(given, { minLength: 1, maxLength: RANGES_MAX }),
      way,
      fc.boolean(),
      async (wishes, ranges, how, isKnown) => {
        const requests: PeerRequest[] = [];
        const client: PeerClient = {
          async request(request) {
            requests.push(request);
            if (how === "is gone") throw Object.assign(new Error("gone"), { code: "ECONNREFUSED" });
            return answerTo(request, how, ranges);
          },
          close: async () => {},
        };
        const addressOf = (name: string) => (isKnown || name === "b" ? `${name}:1` : undefined);
        const batches = new RangeBatches({ client, addressOf });
        const outcomes = await Promise.allSettled(
          wishes.map((wish) => batches.ask({ node: wish.node, key: wish.key }, wish.range)),
        );
        for (const { address, headers = {} } of requests) {
          const text = headers["bicoastal-ranges"] ?? "";
          expect(parseAsked(text)?.length).toBeGreaterThan(1);
          expect(address).toBe(`${headers["bicoastal-to"]}:1`);
        }
        for (const [index, outcome] of outcomes.entries()) {
          const wish = wishes[index]!;
          if (outcome.status === "rejected") {
            expect(["is gone", "breaks off"]).toContain(how);
            expect(outcome.reason).toBeInstanceOf(BicoastalError);
            const details = { node: wish.node, key: wish.key };
            expect(outcome.reason).toMatchObject({ code: "PEER_UNREACHABLE", details });
          } else if (outcome.value !== undefined) {
            expect(how).toBe("right");
            const { bytes, range: got, size } = outcome.value;
            expect(bytes.length).toBe(got.bytes);
            expect(new Set(bytes).size).toBe(1);
            expect(ranges[bytes[0]! % ranges.length]).toEqual({ range: got, size });
          }
        }
      },
    ),
  );
});
