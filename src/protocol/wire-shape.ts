/** What each message between nodes must have, so that whoever gets it can rely on its types. */
import { attempt, block, error, output } from "./event-shape.ts";
import { fieldsOf, isCount, isText, kindsOf, listOf, mapOf, optional, type Shape } from "./shape.ts";
import { constants, joins, split } from "./spec-shape.ts";
import type { WireMessage } from "./wire.ts";

const outcome = kindsOf({
  finished: fieldsOf({ output }),
  failed: fieldsOf({ error, lostBlocks: listOf(isText) }),
  stopped: fieldsOf({}),
});

const context = fieldsOf({
  job: isText,
  name: isText,
  constants,
  fingerprint: isText,
  joins,
  outputDirectories: listOf(isText),
  trace: optional(listOf(isText)),
});

const listed = listOf(listOf(fieldsOf({ stage: isCount, sink: isCount, list: isText })));

const assignment = fieldsOf({
  attempt,
  partitions: isCount,
  sinkPartitions: listOf(isCount),
  input: kindsOf({ split: fieldsOf({ split }), blocks: fieldsOf({ sides: listed }) }),
  broadcasts: listed,
  asOfSeq: optional(isCount),
});

const lists = mapOf(listOf(block));

const MESSAGE_SHAPES: Readonly<Record<WireMessage["kind"], Shape>> = {
  poll: fieldsOf({
    job: isText,
    incarnation: isText,
    region: optional(isText),
    seq: isCount,
    slots: isCount,
    ahead: isCount,
    running: listOf(attempt),
    runningAsOf: optional(listOf(isCount)),
    ended: listOf(fieldsOf({ attempt, outcome, asOfSeq: optional(isCount) })),
    terms: listOf(fieldsOf({ epoch: isCount, holder: isText })),
  }),
  orders: fieldsOf({
    job: isText,
    epoch: isCount,
    holder: isText,
    incarnation: isText,
    context,
    start: listOf(assignment),
    stop: listOf(attempt),
    forget: listOf(attempt),
    lists,
  }),
  listsWanted: fieldsOf({ job: isText, names: listOf(isText) }),
  listsGiven: fieldsOf({ job: isText, lists }),
};

/** @param value Decoded JSON. */
export const isWireMessage = kindsOf(MESSAGE_SHAPES) as (value: unknown) => value is WireMessage;
