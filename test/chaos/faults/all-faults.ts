import type { FaultKind } from "../schedule.ts";
import type { Inject } from "./fault-room.ts";
import { MACHINE_FAULTS } from "./machines.ts";
import { NETWORK_FAULTS } from "./networks.ts";
import { PROCESS_FAULTS } from "./processes.ts";

export const FAULTS: Readonly<Record<FaultKind, Inject>> = {
  ...PROCESS_FAULTS,
  ...NETWORK_FAULTS,
  ...MACHINE_FAULTS,
};
