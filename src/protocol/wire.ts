/**
 * What goes over the wire between nodes: the messages of driver and workers, with lists of blocks by name.
 *
 * Every task of a stage reads the same blocks, of which there may be a hundred thousand. So an order names its lists, and
 * a list goes to a node once; whoever does not have it, as that message was lost, asks for it.
 */
import type { JobId } from "../base/ids.ts";
import type { BlockRef, ProducerBlocks, TaskAssignment } from "../plan/task.ts";
import type { DriverOrders, WorkerPoll } from "./message.ts";

/** Unique to the job, its epoch and what is in it: what it names never changes. */
export type ListName = string;

export interface ListedBlocks extends Omit<ProducerBlocks, "blocks"> {
  readonly list: ListName;
}

export interface ListedAssignment extends Omit<TaskAssignment, "input" | "broadcasts"> {
  readonly input:
    | Extract<TaskAssignment["input"], { readonly kind: "split" }>
    | { readonly kind: "blocks"; readonly sides: readonly (readonly ListedBlocks[])[] };
  readonly broadcasts: readonly (readonly ListedBlocks[])[];
}

export type BlockLists = Readonly<Record<ListName, readonly BlockRef[]>>;

export interface ListedOrders extends Omit<DriverOrders, "start"> {
  readonly start: readonly ListedAssignment[];
  /** Those that this driver has not sent to this worker before. */
  readonly lists: BlockLists;
}

/** Worker to driver: orders came that name lists it does not have. */
export interface ListsWanted {
  readonly kind: "listsWanted";
  readonly job: JobId;
  readonly names: readonly ListName[];
}

/** Driver to worker: what was asked for, as far as this driver knows it. */
export interface ListsGiven {
  readonly kind: "listsGiven";
  readonly job: JobId;
  readonly lists: BlockLists;
}

export type WireMessage = WorkerPoll | ListedOrders | ListsWanted | ListsGiven;
