/** What nodes know each other by. Plain data, because threads ask other nodes too. */
import { createHash, timingSafeEqual } from "node:crypto";
import { BicoastalError } from "../../base/errors.ts";

/** Paths of PEM files: nobody is spoken to whose certificate is not signed by the authority, in either direction. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** The name that all nodes' certificates have. Default: each has that of its address. */
  readonly serverName?: string;
}

/** With both, a node must have both. */
export interface PeerSecurity {
  /** The cluster's secret: 16 to 4096 visible ASCII characters. */
  readonly token?: string | undefined;
  readonly tls?: TlsFiles | undefined;
}

const TOKEN = /^[\x21-\x7e]{16,4096}$/;

/** Throws USAGE. */
export function assertToken(token: string): void {
  if (TOKEN.test(token)) return;
  throw new BicoastalError(
    "USAGE",
    "The cluster token is not fit for use: it has 16 to 4096 visible ASCII characters and no spaces. Make one with: openssl rand -hex 32",
    { details: { option: "token" } },
  );
}

/** Whether this is the cluster's secret; takes as long whatever is wrong with it. */
export function createTokenCheck(token: string): (authorization: string | undefined) => boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const wanted = digest(bearer(token));
  return (authorization) => timingSafeEqual(digest(authorization ?? ""), wanted);
}

export const bearer = (token: string): string => `Bearer ${token}`;
