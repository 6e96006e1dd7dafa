/**
 * The tables of a stage's broadcasts. Those in memory are kept for the next task of the stage in this thread, which
 * reads the same; a task of any other stage needs the memory for itself, so only the latest stage's are.
 */
import type { Stage } from "../../plan/stage.ts";
import type { ProducerBlocks } from "../../plan/task.ts";
import type { BroadcastTable } from "../shuffle/join/broadcast-table.ts";
import { type BroadcastRequest, openBroadcast } from "../shuffle/join/open-broadcast.ts";

interface Kept {
  /** The very object, so that it is this job, of this process. */
  readonly stage: Stage;
  /** By which blocks they were made from. */
  readonly tables: Map<string, BroadcastTable>;
}

let kept: Kept | undefined;

export class TaskTables {
  readonly all: BroadcastTable[] = [];
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
    if (kept?.stage !== stage) kept = undefined;
  }

  /** Opens the table of every broadcast of the stage. */
  async open(
    broadcasts: readonly (readonly ProducerBlocks[])[],
    request: Omit<BroadcastRequest, "producers">,
  ): Promise<void> {
    for (const producers of broadcasts) {
      const name = nameOf(producers);
      const known = kept?.stage === this.#stage ? kept.tables.get(name) : undefined;
      const table = known ?? (await openBroadcast({ ...request, producers }));
      this.all.push(table);
      if (table.inMemory && known === undefined) this.#keep(name, table);
    }
  }

  dispose(): void {
    for (const table of this.all) if (!table.inMemory) table.dispose();
    this.all.length = 0;
  }

  #keep(name: string, table: BroadcastTable): void {
    if (kept?.stage !== this.#stage) kept = { stage: this.#stage, tables: new Map() };
    kept.tables.set(name, table);
  }
}

/** A block that was lost and made again has another name. */
const nameOf = (producers: readonly ProducerBlocks[]): string =>
  producers
    .flatMap(({ sink, blocks }) => blocks.map(({ key, checksum }) => `${sink}/${checksum}/${key}`))
    .join(" ");
