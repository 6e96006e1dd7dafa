/** What a failed request to S3 means to the user: which bucket and key, and what to do next. */
import { BicoastalError } from "../../base/errors.ts";
import { isTrouble, ObjectsError, type Trouble } from "./objects.ts";
import { parseS3Url } from "./url.ts";

/** Longest URL and message that are shown whole. */
const SHOWN_CHARS_MAX = 300;

/** A URL for a message: quoted, so that blanks are seen, and never endless. */
export const showUrl = (url: string): string => JSON.stringify(cut(url));

const cut = (text: string): string =>
  text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;

const advice: Readonly<Record<Exclude<Trouble, "package">, (bucket: string) => string>> = {
  absent: () => "Check that it is still there.",
  changed: () => "Submit the job again.",
  noUpload: () => "Run the job anew.",
  noBucket: (bucket) =>
    `Correct the name of the bucket ${JSON.stringify(cut(bucket))}, or make it; for a server other than Amazon's set AWS_ENDPOINT_URL_S3.`,
  denied: (bucket) =>
    `Let these credentials do it: reading takes s3:GetObject and s3:ListBucket on ${JSON.stringify(cut(bucket))}, writing also s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucketMultipartUploads.`,
  credentials: () =>
    "Give the AWS SDK credentials that are valid: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of this machine.",
  region: (bucket) => `Set AWS_REGION to the region of the bucket ${JSON.stringify(cut(bucket))}.`,
  passing: () => "Check the way to the server and AWS_ENDPOINT_URL_S3, if set; then try again.",
  other: () => "Check the bucket, its server and AWS_ENDPOINT_URL_S3, if set.",
};

const adviceOn = (thrown: ObjectsError, url: string): string =>
  thrown.trouble === "package"
    ? "Install it beside bicoastal: npm install @aws-sdk/client-s3"
    : advice[thrown.trouble](parseS3Url(url).bucket);

const detailsOf = (url: string) => {
  const { bucket, key } = parseS3Url(url);
  return { bucket: cut(bucket), key: cut(key) };
};

export const s3NotFound = (url: string, what: string): BicoastalError =>
  new BicoastalError("INPUT_NOT_FOUND", what, { details: { file: cut(url), ...detailsOf(url) } });

export const s3Changed = (url: string): BicoastalError =>
  new BicoastalError(
    "INPUT_CHANGED",
    `${showUrl(url)} has changed since the job was submitted, so its parts no longer fit together. ` +
      "Submit the job again; where something still writes the object, give the job a copy.",
    { details: { file: url, ...detailsOf(url) } },
  );

/** What a failed request for an input becomes. */
export function s3InputError(thrown: unknown, url: string): unknown {
  if (!(thrown instanceof ObjectsError)) return thrown;
  if (thrown.trouble === "absent")
    return s3NotFound(url, `There is no object ${showUrl(url)}. Correct the key, or put it there.`);
  if (thrown.trouble === "changed") return s3Changed(url);
  return new BicoastalError(
    thrown.trouble === "noBucket" ? "INPUT_NOT_FOUND" : "INPUT_UNREADABLE",
    `${showUrl(url)} cannot be read: ${cut(thrown.message)}. ${adviceOn(thrown, url)}`,
    {
      retryable: isTrouble(thrown, "passing"),
      details: { file: cut(url), ...detailsOf(url), trouble: thrown.trouble },
      cause: thrown,
    },
  );
}

export const s3OutputExists = (directory: string, what: string): BicoastalError =>
  new BicoastalError("OUTPUT_EXISTS", `The output ${cut(directory)} ${what}`, {
    details: { path: directory, ...detailsOf(directory) },
  });

export const s3OutputFailed = (directory: string, what: string): BicoastalError =>
  new BicoastalError("OUTPUT_FAILED", what, { details: { path: directory, ...detailsOf(directory) } });

/** What a failed request for an output becomes. */
export function s3OutputError(thrown: unknown, directory: string): unknown {
  if (!(thrown instanceof ObjectsError)) return thrown;
  return new BicoastalError(
    "OUTPUT_FAILED",
    `The output ${cut(directory)} cannot be written: ${cut(thrown.message)}. ${adviceOn(thrown, directory)}`,
    {
      retryable: isTrouble(thrown, "passing"),
      details: { path: directory, ...detailsOf(directory), trouble: thrown.trouble },
      cause: thrown,
    },
  );
}

/** Runs requests for an input; their failures name it. */
export async function readingFrom<T>(url: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (thrown) {
    throw s3InputError(thrown, url);
  }
}

/** Runs requests for an output; their failures name it. */
export async function writingTo<T>(directory: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (thrown) {
    throw s3OutputError(thrown, directory);
  }
}
