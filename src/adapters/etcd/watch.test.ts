/** What one watch tells of what a server or a proxy sends, however often it sends it. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { Clock } from "../../ports/clock.ts";
import type { WatchEvent } from "../../ports/control-store.ts";
import type { EtcdClient } from "./client.ts";
import { type WatchResponse, WatchResponseSchema, type Watch as WatchService } from "./etcd-messages.ts";
import { KeySpace } from "./keys.ts";
import { EtcdWatch } from "./watch.ts";

const keys = new KeySpace("p/");
const clock: Clock = {
  monotonicMs: () => 0,
  wallMs: () => 0,
  setTimer: (_, callback) => {
    queueMicrotask(callback);
    return () => {};
  },
};

/** A put, told in one reply. */
const put = (revision: number): MessageInitShape<typeof WatchResponseSchema> => {
  const kv = {
    key: keys.bytesOf("k"),
    value: new Uint8Array([revision]),
    createRevision: 1n,
    modRevision: BigInt(revision),
    version: BigInt(revision),
    lease: "0",
  };
  return { events: [{ type: 0, kv }] };
};

type Reply = MessageInitShape<typeof WatchResponseSchema>;

/** Has a watch from this revision hear these replies, one list a stream; gives what it told, and where each stream began. */
async function heard(
  fromRevision: number,
  streams: readonly (readonly Reply[])[],
): Promise<{ readonly told: readonly number[]; readonly begun: readonly number[] }> {
  const told: number[] = [];
  const begun: number[] = [];
  const left = [...streams];
  const followed = new Promise<void>((resolve) => {
    const client = {
      clock,
      endpoints: ["h:1"],
      forgetToken: () => {},
      follow: async (
        _: typeof WatchService.method.watch,
        request: { readonly requestUnion: { readonly value: { readonly startRevision: bigint } } },
        onReply: (reply: WatchResponse) => void,
      ): Promise<unknown> => {
        begun.push(Number(request.requestUnion.value.startRevision));
        for (const reply of left.shift() ?? []) onReply(create(WatchResponseSchema, reply));
        if (left.length > 0) return undefined;
        resolve();
        return new Promise(() => {});
      },
    } as unknown as EtcdClient;
    new EtcdWatch({
      client,
      keys,
      request: { from: "a", to: "z", fromRevision },
      nowRevision: undefined,
      onEvent: (event: WatchEvent) => told.push(event.kind === "changes" ? event.revision : -1),
      onEnd: () => {},
    });
  });
  await followed;
  return { told, begun };
}

test("each revision is told once, however often one stream repeats it", async () => {
  const { told } = await heard(5, [[put(5), put(5), put(6), put(5), put(6), put(7), put(7)]]);
  expect(told).toEqual([5, 6, 7]);
});

test("a stream that begins anew and tells again what was told goes on where the last one ended", async () => {
  const { told, begun } = await heard(5, [
    [put(5), put(6)],
    [put(4), put(5), put(6), put(7)],
    [put(7), put(8)],
  ]);
  expect(told).toEqual([5, 6, 7, 8]);
  expect(begun).toEqual([5, 7, 8]);
});

test("what lies before the revision that was asked for is not told", async () => {
  expect((await heard(5, [[put(3), put(4), put(5)]])).told).toEqual([5]);
});
