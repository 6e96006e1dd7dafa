/** `s3://bucket/key` as text and in parts. Keys are taken as they are: nothing is percent-decoded. */

const SCHEME = "s3://";

export interface S3Place {
  readonly bucket: string;
  /** Empty for the bucket as a whole. */
  readonly key: string;
}

export const isS3Url = (path: string): boolean => path.startsWith(SCHEME);

export const s3Url = ({ bucket, key }: S3Place): string => `${SCHEME}${bucket}/${key}`;

/** With `.` and `..` segments resolved, as in paths of files; a slash at the end stays. Never leaves the bucket. */
export function parseS3Url(url: string): S3Place {
  const [bucket = "", ...segments] = url.slice(SCHEME.length).split("/");
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const isDots = segment === "." || segment === "..";
    if (segment === "..") kept.pop();
    if (!isDots) kept.push(segment);
    // `a/..` and `a/.` name directories.
    else if (index === segments.length - 1 && kept.length > 0) kept.push("");
  }
  return { bucket, key: kept.join("/") };
}

/** One name for one directory: without slashes at its end. */
export function directoryUrl(url: string): string {
  const { bucket, key } = parseS3Url(url);
  return s3Url({ bucket, key: key.replace(/\/+$/, "") }).replace(/\/$/, "");
}
