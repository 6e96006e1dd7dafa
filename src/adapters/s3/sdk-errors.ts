/** Sorts what the AWS SDK throws. Servers differ in what they say, and answers to HEAD have no body: names and statuses count. */
import { ObjectsError, type Trouble } from "./objects.ts";

const BY_NAME: Readonly<Record<string, Trouble>> = {
  NoSuchKey: "absent",
  NotFound: "absent",
  NoSuchBucket: "noBucket",
  InvalidBucketName: "noBucket",
  NoSuchUpload: "noUpload",
  PreconditionFailed: "changed",
  ConditionalRequestConflict: "changed",
  InvalidRange: "changed",
  AccessDenied: "denied",
  AllAccessDisabled: "denied",
  InvalidAccessKeyId: "credentials",
  SignatureDoesNotMatch: "credentials",
  ExpiredToken: "credentials",
  InvalidToken: "credentials",
  CredentialsProviderError: "credentials",
  AuthorizationHeaderMalformed: "region",
  PermanentRedirect: "region",
  IllegalLocationConstraintException: "region",
};
const BY_STATUS: Readonly<Record<number, Trouble>> = {
  301: "region",
  307: "region",
  403: "denied",
  404: "absent",
  412: "changed",
  416: "changed",
  429: "passing",
};
/** Of Node's network layer, and of the SDK's own time limits. */
const PASSING =
  /^(?:E(?:CONN(?:REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|AI_AGAIN|HOSTUNREACH|NETUNREACH)|EAI_AGAIN|TimeoutError|RequestTimeout|SlowDown|Throttling\w*)$/;

/** @param doing Of the request, for the message. */
export function toObjectsError(thrown: unknown, doing: string): unknown {
  if (thrown instanceof ObjectsError) return thrown;
  if (!(thrown instanceof Error)) return new ObjectsError("other", `${doing}: ${String(thrown)}`, thrown);
  const status = statusOf(thrown);
  return new ObjectsError(troubleOf(thrown, status), `${doing}: ${saying(thrown, status)}`, thrown);
}

function troubleOf(thrown: Error, status: number | undefined): Trouble {
  const code = (thrown as NodeJS.ErrnoException).code ?? "";
  const named = BY_NAME[thrown.name];
  if (named !== undefined) return named;
  if (/region is missing/i.test(thrown.message)) return "region";
  if (PASSING.test(code) || PASSING.test(thrown.name) || (status !== undefined && status >= 500))
    return "passing";
  return BY_STATUS[status ?? 0] ?? "other";
}

function statusOf(thrown: Error): number | undefined {
  const { $metadata: metadata } = thrown as { $metadata?: { httpStatusCode?: unknown } };
  const status = metadata?.httpStatusCode;
  return typeof status === "number" ? status : undefined;
}

/** The SDK puts its own word where the server said nothing. */
function saying({ name, message }: Error, status: number | undefined): string {
  const said = message === "UnknownError" || message === "" || message === name ? "" : message;
  const named = ["Error", "Unknown", "UnknownError"].includes(name) ? "" : name;
  const answer = status === undefined ? "" : `status ${status}`;
  return [named, said, answer].filter((part) => part !== "").join(", ") || "no reason given";
}
