import { BicoastalError } from "../base/errors.ts";
import type { Output } from "./io.ts";

/** Throws OUTPUT_FAILED where what stdout was given is lost, and not because nobody wanted it. */
export function checkWritten(stdout: Output): void {
  const { failure } = stdout;
  if (failure === undefined) return;
  throw new BicoastalError(
    "OUTPUT_FAILED",
    `Cannot write to stdout: ${failure.message}. What is there is not complete; free some space, or write elsewhere.`,
    { details: { outcome: "failed" }, cause: failure },
  );
}
