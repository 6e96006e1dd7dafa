/**
 * The grammar of the command line: flags and operands.
 *
 * Written here and not taken from a library, because half of the flags of `run FILE` are the job's: which there
 * are, and which take a value, is known only when FILE has been loaded.
 *
 * `--name value`, `--name=value`, `--name` alone, `--no-name`; after `--` all is operand. A flag that needs a
 * value takes the next token whatever it looks like (`--offset -5`), unless that is itself a flag known here: then
 * the value was forgotten, and one who means the text writes `--name=--other`.
 */

import { showValue } from "../../api/show-value.ts";
import { adviseNames } from "../../api/suggest.ts";
import { BicoastalError } from "../../base/errors.ts";

export interface FlagSpec {
  /** Without the dashes. */
  readonly name: string;
  /** "switch": alone, or followed by true or false; "optional": alone, or followed by what is not a flag. */
  readonly value: "none" | "required" | "switch" | "optional";
}

export interface GivenFlag {
  readonly name: string;
  /** "true" for a flag alone, "false" for `--no-name`. */
  readonly text: string;
}

export interface ReadTokens {
  readonly flags: readonly GivenFlag[];
  readonly operands: readonly string[];
}

export interface Grammar {
  readonly flags: readonly FlagSpec[];
  /** Whether flags that are not in the list are taken as well, as "optional" ones. */
  readonly open: boolean;
  /** Ends the message about an unknown flag; for what the list does not say. */
  readonly unknownHint?: string;
}

/** Throws USAGE for an unknown flag and for one without its value. */
export function readTokens(tokens: readonly string[], grammar: Grammar): ReadTokens {
  const reader = new TokenReader(tokens, grammar);
  while (reader.next()) {}
  return reader;
}

/** Reads up to the first operand, and gives what follows it untouched. */
export function readUntilOperand(
  tokens: readonly string[],
  grammar: Grammar,
): ReadTokens & { readonly rest: readonly string[] } {
  const reader = new TokenReader(tokens, grammar);
  while (reader.operands.length === 0 && reader.next()) {}
  return { flags: reader.flags, operands: reader.operands, rest: reader.rest() };
}

class TokenReader implements ReadTokens {
  readonly flags: GivenFlag[] = [];
  readonly operands: string[] = [];
  readonly #tokens: readonly string[];
  readonly #grammar: Grammar;
  readonly #specs: ReadonlyMap<string, FlagSpec>;
  #at = 0;
  #onlyOperands = false;

  constructor(tokens: readonly string[], grammar: Grammar) {
    this.#tokens = tokens;
    this.#grammar = grammar;
    this.#specs = new Map(grammar.flags.map((spec) => [spec.name, spec]));
  }

  rest(): readonly string[] {
    return this.#tokens.slice(this.#at);
  }

  /** Reads one flag or operand; false at the end. */
  next(): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined) return false;
    this.#at++;
    if (this.#onlyOperands || !token.startsWith("-") || token === "-") this.operands.push(token);
    else if (token === "--") this.#onlyOperands = true;
    else if (token === "-h") this.flags.push({ name: "help", text: "true" });
    else if (token.startsWith("--")) this.#readFlag(token);
    else throw this.#unknown(token, token.slice(1));
    return true;
  }

  #readFlag(token: string): void {
    const equals = token.indexOf("=");
    const name = token.slice(2, equals === -1 ? undefined : equals);
    const text = equals === -1 ? undefined : token.slice(equals + 1);
    const spec = this.#specFor(name);
    if (spec !== undefined) {
      this.flags.push({ name, text: this.#textOf(spec, text) });
      return;
    }
    const negated = name.startsWith("no-") && text === undefined ? this.#specFor(name.slice(3)) : undefined;
    if (negated === undefined || negated.value === "none" || negated.value === "required") {
      throw this.#unknown(`--${name}`, name);
    }
    this.flags.push({ name: negated.name, text: "false" });
  }

  #specFor(name: string): FlagSpec | undefined {
    const spec = this.#specs.get(name);
    if (spec !== undefined || !this.#grammar.open || name === "") return spec;
    return name.startsWith("no-") ? undefined : { name, value: "optional" };
  }

  #textOf(spec: FlagSpec, attached: string | undefined): string {
    if (spec.value === "none") {
      if (attached === undefined) return "true";
      throw usage(`--${spec.name} takes no value, and was given ${showValue(attached)}.`, spec.name);
    }
    if (attached !== undefined) return attached;
    const next = this.#tokens[this.#at];
    if (spec.value === "required") {
      if (next === undefined || this.#isFlag(next)) throw this.#missingValue(spec, next);
    } else if (next === undefined || !this.#mayFollow(spec, next)) return "true";
    this.#at++;
    return next;
  }

  /** Whether the token can be read as the value of a flag that may stand alone. */
  #mayFollow(spec: FlagSpec, token: string): boolean {
    if (spec.value === "switch") return token === "true" || token === "false";
    return !token.startsWith("-") || /^-(\d|\.\d)/.test(token);
  }

  /** Whether the token is a flag known by name; anything else after a flag that needs a value is that value. */
  #isFlag(token: string): boolean {
    if (token === "--" || token === "-h") return true;
    const name = /^--([^=]+)/.exec(token)?.[1];
    if (name === undefined) return false;
    return this.#specs.has(name) || (name.startsWith("no-") && this.#specs.has(name.slice(3)));
  }

  #missingValue(spec: FlagSpec, next: string | undefined): BicoastalError {
    const hint =
      next === undefined ? "" : ` If ${showValue(next)} is the value, write --${spec.name}=${short(next)}.`;
    return usage(`--${spec.name} needs a value.${hint}`, spec.name);
  }

  #unknown(spelled: string, name: string): BicoastalError {
    const known = this.#grammar.flags.map((spec) => `--${spec.name}`);
    const hint = this.#grammar.unknownHint === undefined ? "" : ` ${this.#grammar.unknownHint}`;
    const advice = adviseNames(`--${name}`, known, "flags here");
    return usage(`There is no flag ${showValue(spelled)} here. ${advice}${hint}`, name.slice(0, 100));
  }
}

const usage = (message: string, flag: string): BicoastalError =>
  new BicoastalError("USAGE", message, { details: { flag } });

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
