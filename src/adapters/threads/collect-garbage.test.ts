import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { ThreadGarbage } from "./collect-garbage.ts";

/** What it points to is kept until the end of the turn, whatever becomes of it. */
const garbage = (): WeakRef<object> => new WeakRef({ held: new Array(1000).fill(0) });

it("collects what nobody holds once the share is exceeded", async () => {
  const dead = garbage();
  await turn();
  new ThreadGarbage(1).look();
  expect(dead.deref()).toBeUndefined();
});

it("leaves it to V8 where there is room", async () => {
  const dead = garbage();
  await turn();
  new ThreadGarbage(Number.POSITIVE_INFINITY).look();
  expect(dead.deref()).toBeDefined();
});

it("collects when told to, and says what is held then", async () => {
  const dead = garbage();
  await turn();
  const heldBytes = new ThreadGarbage(Number.POSITIVE_INFINITY).collectAll();
  expect(dead.deref()).toBeUndefined();
  expect(heldBytes).toBeGreaterThan(1e6);
  expect(heldBytes).toBeLessThan(process.memoryUsage().rss);
});
