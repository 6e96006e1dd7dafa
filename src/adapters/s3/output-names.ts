/**
 * How the objects of an output are named: `prefix/bicoastal-<job>.<end>.<attempt's file>` beside `prefix/_bicoastal.json`,
 * the manifest. No two attempts write one key, so nothing is ever written over, and whose an object is can be seen.
 */
import type { OutputTarget } from "../../ports/outputs.ts";
import { parseS3Url, type S3Place } from "./url.ts";

export const MANIFEST_NAME = "_bicoastal.json";

const PART = /^bicoastal-[^/]+\.\d+\.[^/]+$/;

/** Whether an object of this name counts only where a manifest beside it names it. */
export const isPartName = (name: string): boolean => PART.test(name);

export interface OutputNames {
  readonly bucket: string;
  /** Of every object in the directory; ends with a slash. */
  readonly prefix: string;
  /** Of every object of this end of the job, and of nobody else's. */
  readonly partPrefix: string;
  readonly manifest: S3Place;
}

export function outputNamesOf({ job, endIndex, directory }: OutputTarget): OutputNames {
  const { bucket, key } = parseS3Url(directory);
  const prefix = `${key.replace(/\/+$/, "")}/`;
  const partPrefix = `${prefix}bicoastal-${job}.${endIndex}.`;
  return { bucket, prefix, partPrefix, manifest: { bucket, key: `${prefix}${MANIFEST_NAME}` } };
}

/** A whole upload as its attempt reports it; the log keeps it, so that any driver can complete it. */
export interface Receipt {
  readonly upload: string;
  /** Of its parts, in order. */
  readonly etags: readonly string[];
  readonly bytes: number;
  /** The attempt's file. */
  readonly staged: string;
}

/** Ends with the file's name. */
export function receiptText({ upload, etags, bytes, staged }: Receipt): string {
  const tags = etags.map((etag) => encodeURIComponent(etag.replace(/^"([^"]*)"$/, "$1")));
  return [encodeURIComponent(upload), tags.join(","), bytes, staged].join("/");
}

/** undefined for what is none. */
export function parseReceipt(text: string): Receipt | undefined {
  const [upload = "", tags = "", bytes = "", staged, ...more] = text.split("/");
  if (upload === "" || tags === "" || staged === undefined || more.length > 0 || !/^\d{1,15}$/.test(bytes))
    return undefined;
  try {
    const etags = tags.split(",").map((tag) => `"${decodeURIComponent(tag)}"`);
    return { upload: decodeURIComponent(upload), etags, bytes: Number(bytes), staged };
  } catch {
    // A % that encodes nothing: no attempt has written it.
    return undefined;
  }
}
