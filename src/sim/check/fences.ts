/**
 * What every transaction on a job's log compares, whether or not anybody is about to get in its way (S2): where one compare is
 * left out, another often refuses the same write, and no result shows it until that one is of no use.
 */
import type { Compare, ControlStore, TxnRequest } from "../../ports/control-store.ts";
import { type AuditedRecord, readRecord } from "./audit/read-record.ts";
import { changedStore } from "./store/changed-store.ts";

const RECORD = /^(jobs\/[^/]+\/)log\/(\d+)$/;

/** The same store; what a transaction does not compare and must is told before it is made. */
export function watchFences(store: ControlStore, tell: (problem: string) => void): ControlStore {
  return changedStore(store, {
    txn: (request) => {
      for (const problem of unfenced(request)) tell(problem);
      return store.txn(request);
    },
  });
}

/** What is wrong with a transaction, before anybody knows whether it succeeds. */
export function unfenced({ compare, success }: TxnRequest): readonly string[] {
  return success.flatMap((op) => {
    const [, job, digits] = (op.kind === "put" && RECORD.exec(op.key)) || [];
    if (op.kind !== "put" || job === undefined || digits === undefined) return [];
    return fencesOf(op.key, job, digits, readRecord(op.value)).flatMap(([what, holds]) =>
      compare.some(holds) ? [] : [`S2: a transaction writes ${op.key} and does not compare ${what}`],
    );
  });
}

type Fence = readonly [what: string, holds: (compare: Compare) => boolean];

function fencesOf(
  key: string,
  job: string,
  digits: string,
  { seq, epoch, events }: AuditedRecord,
): readonly Fence[] {
  const free: Fence = ["that nothing stands there", (of) => of.key === key && isAbsence(of)];
  if (seq === 0) return [free];
  const epochKey = `${job}epoch`;
  const before = `${job}log/${String(seq - 1).padStart(digits.length, "0")}`;
  const joined: Fence = [
    "that the record before it is there",
    (of) => of.key === before && of.target === "createRevision" && of.op === ">",
  ];
  if (events.some(({ kind }) => kind === "epochStarted")) {
    return [
      free,
      [
        "the epoch that was read",
        (of) => of.key === epochKey && of.target === "modRevision" && of.op === "=",
      ],
      ["who held it", (of) => of.key === epochKey && of.target === "value" && of.op === "="],
      joined,
      ["who drove", (of) => of.key === `${job}driver` && of.target === "modRevision" && of.op === "="],
    ];
  }
  return [
    free,
    [
      "its epoch, and whose it is",
      (of) => of.key === epochKey && of.target === "value" && of.op === "=" && isHeld(of.value, epoch),
    ],
    joined,
  ];
}

const isAbsence = ({ target, op, value }: Compare): boolean =>
  (target === "createRevision" || target === "version" || target === "modRevision") &&
  op === "=" &&
  value === 0;

/** The number of the epoch is not enough: in a store that was set back it is given out again. */
const isHeld = (value: Uint8Array, epoch: number): boolean => {
  const [number, ...holder] = new TextDecoder().decode(value).split(" ");
  return number === String(epoch) && holder.join("") !== "";
};
