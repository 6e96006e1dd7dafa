import { type EndNode, inputsOf, type Plan, type PlanNode } from "./node.ts";
import { ownFunction } from "./own-function.ts";

/**
 * A text that two plans share when they have the same operators with the same options and functions of the same
 * source text; our own functions go by name. It tells a changed or impure `run` from the submitted one; it is no defence against malice, and
 * cannot see what a function closes over.
 */
export function fingerprint(plan: Plan): string {
  return digest(JSON.stringify([plan.shape, describePlan(plan)]));
}

/** The plan's nodes as plain data, inputs by number. */
export function describePlan(plan: Plan): readonly unknown[] {
  const numbers = new Map<PlanNode | EndNode, number>();
  const described: unknown[] = [];
  const visit = (node: PlanNode | EndNode): number => {
    const known = numbers.get(node);
    if (known !== undefined) return known;
    const inputs = inputsOf(node).map(visit);
    const options = Object.entries(node).filter(([field]) => !INPUT_FIELDS.has(field));
    const number = described.push([inputs, options.map(([field, value]) => [field, plain(value)])]) - 1;
    numbers.set(node, number);
    return number;
  };
  for (const { name, end } of plan.ends) described.push([name, visit(end)]);
  return described;
}

const INPUT_FIELDS: ReadonlySet<string> = new Set(["input", "inputs", "left", "right"]);

function plain(value: unknown): unknown {
  switch (typeof value) {
    case "function": {
      const own = ownFunction(value);
      if (own !== undefined) return { own: own.name, of: own.of.map(plain) };
      return { function: Function.prototype.toString.call(value) };
    }
    case "bigint":
    case "symbol":
      return { [typeof value]: String(value) };
    case "undefined":
      return { undefined: true };
    case "number":
      return Number.isFinite(value) ? value : { number: String(value) };
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(plain);
      return Object.entries(value).map(([field, inner]) => [field, plain(inner)]);
    default:
      return value;
  }
}

/** 128 bits of FNV-1a in four lanes with different offsets, each finished as in murmur3. */
function digest(text: string): string {
  let hex = "";
  for (let lane = 0; lane < 4; lane++) {
    let hash = 0x811c9dc5 ^ Math.imul(lane + 1, 0x9e3779b9);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hex += ((hash ^ (hash >>> 16)) >>> 0).toString(16).padStart(8, "0");
  }
  return hex;
}
