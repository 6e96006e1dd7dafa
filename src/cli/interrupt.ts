/**
 * Ctrl-C. The first signal asks the job to stop cleanly, so that what is done stays done; the second ends the
 * process at once. SIGTERM and SIGHUP count like Ctrl-C where the job ends with this process; a cluster's job does not, and
 * only who presses Ctrl-C wants it stopped: a terminal that is closed, or a machine that is shut down, says nothing about it.
 */
import type { CliIo, StopSignal } from "./io.ts";
import { exitCodeOf } from "./io.ts";

export interface Interrupt {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The first signal, once there was one. */
  readonly received: StopSignal | undefined;
  /** Stops listening: signals end the process again. */
  close(): void;
}

export const SIGNAL_NAMES: Readonly<Record<StopSignal, string>> = {
  SIGINT: "Ctrl-C",
  SIGTERM: "SIGTERM",
  SIGHUP: "the terminal was closed",
};

/**
 * A signal so soon after the first is the same Ctrl-C: the terminal sends it to every process of the command, and
 * npm and npx pass theirs on to us as well. No hand is that quick.
 */
export const ECHO_MS = 200;

/** Leaves signals what they are: the first one ends the process. */
export const NOT_LISTENING: Interrupt = {
  signal: new AbortController().signal,
  received: undefined,
  close: () => {},
};

/**
 * @param onFirst Told once, to tell the user what happens now.
 * @param onLeave Told of a first signal that is no Ctrl-C, in place of all that: this process is to go, and nothing else.
 */
export function listenForInterrupt(
  io: CliIo,
  onFirst: (name: string) => void,
  onLeave?: (signal: StopSignal) => void,
): Interrupt {
  const controller = new AbortController();
  let received: StopSignal | undefined;
  let receivedAtMs = 0;
  const unhook = io.onSignal((signal) => {
    if (received !== undefined) {
      if (io.clock.monotonicMs() - receivedAtMs >= ECHO_MS) io.exit(exitCodeOf(signal));
      return;
    }
    if (signal !== "SIGINT" && onLeave !== undefined) return onLeave(signal);
    received = signal;
    receivedAtMs = io.clock.monotonicMs();
    onFirst(SIGNAL_NAMES[signal]);
    controller.abort(new Error(SIGNAL_NAMES[signal]));
  });
  return {
    signal: controller.signal,
    get received() {
      return received;
    },
    close: unhook,
  };
}
