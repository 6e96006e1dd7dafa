/** What a check found, and what to do about it. */
export interface Finding {
  readonly check: string;
  readonly level: "ok" | "warn" | "fail";
  readonly text: string;
  /** What to do; undefined where nothing is. */
  readonly advice?: string;
}

export const ok = (check: string, text: string): Finding => ({ check, level: "ok", text });
export const warn = (check: string, text: string, advice: string): Finding => ({
  check,
  level: "warn",
  text,
  advice,
});
export const fail = (check: string, text: string, advice: string): Finding => ({
  check,
  level: "fail",
  text,
  advice,
});

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
