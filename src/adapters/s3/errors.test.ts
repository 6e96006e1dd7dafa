import { describe, expect, test } from "vitest";
import { s3InputError, s3OutputError } from "./errors.ts";
import { ObjectsError } from "./objects.ts";
import { parseReceipt, receiptText } from "./output-names.ts";
import { toObjectsError } from "./sdk-errors.ts";
import { clientOptions } from "./sdk-objects.ts";
import { directoryUrl, parseS3Url } from "./url.ts";

const said = (name: string, status?: number, message = "UnknownError", code?: string): Error =>
  Object.assign(new Error(message), { name, code, $metadata: { httpStatusCode: status } });

describe("what the SDK throws becomes", () => {
  test.each([
    [said("NoSuchBucket", 404), "noBucket"],
    [said("NoSuchKey", 404), "absent"],
    [said("NotFound", 404), "absent"],
    [said("NoSuchUpload", 404), "noUpload"],
    [said("PreconditionFailed", 412), "changed"],
    [said("Unknown", 412), "changed"],
    [said("AccessDenied", 403), "denied"],
    [said("Unknown", 403), "denied"],
    [said("SignatureDoesNotMatch", 403), "credentials"],
    [said("CredentialsProviderError", undefined, "Could not load credentials"), "credentials"],
    [said("PermanentRedirect", 301), "region"],
    [said("Error", undefined, "Region is missing"), "region"],
    [said("Error", undefined, "connect ECONNREFUSED", "ECONNREFUSED"), "passing"],
    [said("TimeoutError"), "passing"],
    [said("SlowDown", 503), "passing"],
    [said("InternalError", 500), "passing"],
    [said("MalformedXML", 400), "other"],
  ])("%s: %s", (thrown, trouble) => {
    const error = toObjectsError(thrown, "reading");
    expect(error).toMatchObject({ trouble, cause: thrown });
    expect((error as Error).message).not.toContain("UnknownError");
  });
});

test("a package that is missing is named, with the command that installs it", () => {
  const missing = new ObjectsError("package", "s3:// paths need the package @aws-sdk/client-s3");
  for (const error of [s3InputError(missing, "s3://b/k"), s3OutputError(missing, "s3://b/k")])
    expect((error as Error).message).toContain("npm install @aws-sdk/client-s3");
});

test("errors name bucket and key, and say whether another try may help", () => {
  const gone = new ObjectsError("passing", "connect ECONNREFUSED");
  const details = { bucket: "b", key: "a/k" };
  expect(s3InputError(gone, "s3://b/a/k")).toMatchObject({
    code: "INPUT_UNREADABLE",
    retryable: true,
    details,
  });
  const denied = new ObjectsError("denied", "AccessDenied");
  expect(s3OutputError(denied, "s3://b/a/k")).toMatchObject({
    code: "OUTPUT_FAILED",
    retryable: false,
    details,
  });
});

test("URLs are taken as they are, but for dots", () => {
  expect(parseS3Url("s3://b")).toEqual({ bucket: "b", key: "" });
  expect(parseS3Url("s3://b/a%20b//c/./d/../é?#")).toEqual({ bucket: "b", key: "a%20b//c/é?#" });
  expect(parseS3Url("s3://b/../../a/..")).toEqual({ bucket: "b", key: "" });
  expect(parseS3Url("s3://b/a/c/..")).toEqual({ bucket: "b", key: "a/" });
  for (const same of ["s3://b/a/out", "s3://b/a/out/", "s3://b/a/./out//", "s3://b/a/x/../out"])
    expect(directoryUrl(same)).toBe("s3://b/a/out");
  expect(directoryUrl("s3://b/")).toBe("s3://b");
});

test("a receipt says all that completes an upload, whatever the server calls it", () => {
  const receipt = { upload: "2~a/b,c=", etags: ['"0a"', '"b-1/,"'], bytes: 7, staged: "s0.p1.jsonl.gz" };
  expect(parseReceipt(receiptText(receipt))).toEqual(receipt);
  expect(receiptText(receipt).endsWith("/s0.p1.jsonl.gz")).toBe(true);
  for (const none of ["", "s0.p1.jsonl", "a/b/x/c", "a//1/c", "a/b/1/c/d", "%/b/1/c", "a/%zz/1/c"])
    expect(parseReceipt(none)).toBeUndefined();
});

test("another server than Amazon's has a region, and buckets in the path, unless told otherwise", () => {
  const own = { AWS_ENDPOINT_URL_S3: "http://h" };
  expect(clientOptions({})).toMatchObject({ forcePathStyle: false });
  expect(clientOptions({}).region).toBeUndefined();
  expect(clientOptions(own)).toMatchObject({ forcePathStyle: true, region: "us-east-1" });
  expect(clientOptions({ ...own, AWS_REGION: "eu", BICOASTAL_S3_PATH_STYLE: "false" })).toMatchObject({
    forcePathStyle: false,
    region: "eu",
  });
});
