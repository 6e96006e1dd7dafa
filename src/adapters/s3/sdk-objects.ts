/**
 * S3 by the AWS SDK: an optional package, loaded only where an `s3://` path is named.
 *
 * Credentials, region and endpoint come from the SDK's own chain (environment, profiles, roles). It repeats requests
 * that failed in passing, also writes: a `putIf` whose answer was lost may then be told that its condition does not
 * hold, though it was itself that changed what it asked for. Whoever is told so reads what stands there.
 */
import { isMainThread } from "node:worker_threads";
import type * as Sdk from "@aws-sdk/client-s3";
import { isTrouble, type ObjectStat, type Objects, ObjectsError, type Upload } from "./objects.ts";
import { toObjectsError } from "./sdk-errors.ts";
import type { S3Place } from "./url.ts";

const CONNECT_MS_MAX = 10_000;
/** Without any byte on the way. The SDK's `requestTimeout` would bound a slow upload as well, and by itself only warns. */
const SILENT_MS_MAX = 60_000;
/** Of a body that breaks off; the SDK repeats only what fails before the first byte of the answer. */
const BODY_TRIES_MAX = 4;

type Environment = Readonly<Record<string, string | undefined>>;

/** Loads the package at the first call, once for the process. Throws ObjectsError. */
export function openSdkObjects(
  environment: Environment = process.env,
  silentMsMax = SILENT_MS_MAX,
): Promise<Objects> {
  if (environment !== process.env || silentMsMax !== SILENT_MS_MAX) return connect(environment, silentMsMax);
  ours ??= connect(environment);
  // A package that is missing now may be there at the next job of a program that goes on.
  ours.catch(() => {
    ours = undefined;
  });
  return ours;
}

let ours: Promise<Objects> | undefined;

async function connect(environment: Environment, silentMsMax = SILENT_MS_MAX): Promise<Objects> {
  const sdk = await loadSdk();
  return new SdkObjects(sdk, new sdk.S3Client(clientOptions(environment, silentMsMax)));
}

async function loadSdk(): Promise<typeof Sdk> {
  // The main thread says it once for all.
  if (!isMainThread) process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  try {
    return await import("@aws-sdk/client-s3");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw thrown;
    throw new ObjectsError("package", "s3:// paths need the package @aws-sdk/client-s3", thrown);
  }
}

export function clientOptions(environment: Environment, silentMsMax = SILENT_MS_MAX): Sdk.S3ClientConfig {
  const own = environment.AWS_ENDPOINT_URL_S3 || environment.AWS_ENDPOINT_URL;
  // Servers other than Amazon's mostly know one region, and few of them a host name for each bucket.
  const region = environment.AWS_REGION || environment.AWS_DEFAULT_REGION || (own ? "us-east-1" : undefined);
  const pathStyle = environment.BICOASTAL_S3_PATH_STYLE || String(Boolean(own));
  return {
    ...(region === undefined ? {} : { region }),
    forcePathStyle: /^(?:1|true|yes|on)$/i.test(pathStyle),
    followRegionRedirects: true,
    requestHandler: { connectionTimeout: CONNECT_MS_MAX, socketTimeout: silentMsMax },
    // Others know no trailing CRCs, and completing an upload that was begun with one takes those of all parts: each
    // part has an MD5 instead, which every server verifies.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  };
}

class SdkObjects implements Objects {
  readonly #sdk: typeof Sdk;
  readonly #client: Sdk.S3Client;

  constructor(sdk: typeof Sdk, client: Sdk.S3Client) {
    this.#sdk = sdk;
    this.#client = client;
  }

  async stat({ bucket, key }: S3Place): Promise<ObjectStat | undefined> {
    const command = new this.#sdk.HeadObjectCommand({ Bucket: bucket, Key: key });
    const head = await unlessAbsent(this.#ask("looking at it", () => this.#client.send(command)));
    return head === undefined ? undefined : statOf(key, head.ContentLength, head.ETag, head.LastModified);
  }

  async *list(bucket: string, prefix: string): AsyncIterable<readonly ObjectStat[]> {
    let token: string | undefined;
    do {
      const command: Sdk.ListObjectsV2Command = new this.#sdk.ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ContinuationToken: token,
      });
      const page = await this.#ask("listing", () => this.#client.send(command));
      yield (page.Contents ?? []).map(({ Key, Size, ETag, LastModified }) =>
        statOf(Key ?? "", Size, ETag, LastModified),
      );
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async read(
    { bucket, key }: S3Place,
    etag: string,
    { start, bytes }: { readonly start: number; readonly bytes: number },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    for (let tries = 1; ; tries++) {
      const command = new this.#sdk.GetObjectCommand({
        Bucket: bucket,
        Key: key,
        Range: `bytes=${start}-${start + bytes - 1}`,
        IfMatch: etag,
      });
      try {
        const got = await this.#client.send(command, { abortSignal: signal });
        // A server that does not know the condition still says what it gives.
        if (got.ETag !== undefined && got.ETag !== etag)
          throw new ObjectsError("changed", "it is another version by now");
        const body = (await got.Body?.transformToByteArray()) ?? new Uint8Array(0);
        if (body.length !== bytes) throw new ObjectsError("passing", `${body.length} of ${bytes} bytes came`);
        return body;
      } catch (thrown) {
        const error = toObjectsError(thrown, "reading");
        if (signal.aborted || tries >= BODY_TRIES_MAX || !isTrouble(error, "passing")) throw error;
      }
    }
  }

  async readText({ bucket, key }: S3Place): Promise<{ text: string; etag: string } | undefined> {
    const command = new this.#sdk.GetObjectCommand({ Bucket: bucket, Key: key });
    return unlessAbsent(
      this.#ask("reading", async () => {
        const got = await this.#client.send(command);
        return { text: (await got.Body?.transformToString("utf-8")) ?? "", etag: got.ETag ?? "" };
      }),
    );
  }

  async putIf(place: S3Place, text: string, etag: string | undefined): Promise<void> {
    if (etag === undefined) return this.#put(place, text, { IfNoneMatch: "*" });
    try {
      await this.#put(place, text, { IfMatch: etag });
    } catch (thrown) {
      // Some servers (Ceph's, up to Pacific at least) compare what they keep, which has no quotes.
      const bare = etag.replace(/^"(.*)"$/, "$1");
      if (bare === etag || !isTrouble(thrown, "changed")) throw thrown;
      await this.#put(place, text, { IfMatch: bare });
    }
  }

  async #put(
    { bucket, key }: S3Place,
    text: string,
    condition: { readonly IfMatch: string } | { readonly IfNoneMatch: string },
  ): Promise<void> {
    const bytes = Buffer.from(text);
    const command = new this.#sdk.PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: bytes,
      ContentMD5: await md5Of(bytes),
      ContentType: "application/json",
      ...condition,
    });
    await this.#ask("writing", () => this.#client.send(command));
  }

  async remove({ bucket, key }: S3Place): Promise<void> {
    const command = new this.#sdk.DeleteObjectCommand({ Bucket: bucket, Key: key });
    await unlessAbsent(this.#ask("deleting", () => this.#client.send(command)));
  }

  async startUpload({ bucket, key }: S3Place): Promise<string> {
    const command = new this.#sdk.CreateMultipartUploadCommand({ Bucket: bucket, Key: key });
    const started = await this.#ask("beginning an upload", () => this.#client.send(command));
    if (started.UploadId === undefined) throw new ObjectsError("other", "the server gave no upload id");
    return started.UploadId;
  }

  async uploadPart(
    { bucket, key }: S3Place,
    upload: string,
    part: number,
    bytes: Uint8Array,
  ): Promise<string> {
    const command = new this.#sdk.UploadPartCommand({
      Bucket: bucket,
      Key: key,
      UploadId: upload,
      PartNumber: part,
      Body: bytes,
      ContentMD5: await md5Of(bytes),
    });
    const sent = await this.#ask("uploading", () => this.#client.send(command));
    if (sent.ETag === undefined) throw new ObjectsError("other", "the server gave no ETag of a part");
    return sent.ETag;
  }

  async completeUpload({ bucket, key }: S3Place, upload: string, etags: readonly string[]): Promise<void> {
    const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
    const command = new this.#sdk.CompleteMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      UploadId: upload,
      MultipartUpload: { Parts },
    });
    await this.#ask("completing an upload", () => this.#client.send(command));
  }

  async abortUpload({ bucket, key }: S3Place, upload: string): Promise<void> {
    const command = new this.#sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: upload });
    const done = this.#ask("aborting an upload", () => this.#client.send(command));
    await done.catch((thrown) => {
      if (!isTrouble(thrown, "noUpload", "absent")) throw thrown;
    });
  }

  async *uploads(bucket: string, prefix: string): AsyncIterable<readonly Upload[]> {
    let after: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
    while (after !== undefined) {
      const command: Sdk.ListMultipartUploadsCommand = new this.#sdk.ListMultipartUploadsCommand({
        Bucket: bucket,
        Prefix: prefix,
        ...after,
      });
      const page = await this.#ask("listing uploads", () => this.#client.send(command));
      yield (page.Uploads ?? []).map(({ Key, UploadId }) => ({ key: Key ?? "", id: UploadId ?? "" }));
      after =
        page.IsTruncated === true
          ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
          : undefined;
    }
  }

  async #ask<T>(doing: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (thrown) {
      throw toObjectsError(thrown, doing);
    }
  }
}

/** Every thread loads this file, and few come here: Node takes long to load what hashes. */
async function md5Of(bytes: Uint8Array): Promise<string> {
  const { createHash } = await import("node:crypto");
  return createHash("md5").update(bytes).digest("base64");
}

const statOf = (
  key: string,
  bytes: number | undefined,
  etag: string | undefined,
  modified: Date | undefined,
): ObjectStat => ({ key, bytes: bytes ?? 0, etag: etag ?? "", modifiedMs: modified?.getTime() ?? 0 });

async function unlessAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (thrown) {
    if (isTrouble(thrown, "absent")) return undefined;
    throw thrown;
  }
}
