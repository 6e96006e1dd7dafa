/** Private authorities and certificates of theirs, made by openssl, for tests. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsFiles } from "./security.ts";

export function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A certificate for 127.0.0.1 and a name, signed by an authority of this name, which is made when it is first used. */
export function makeCertificate(directory: string, authority: string, node: string): TlsFiles {
  const path = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): void =>
    void execFileSync("openssl", args, { stdio: "ignore", cwd: directory });
  const ca = path(`${authority}.pem`);
  const caKey = path(`${authority}.key`);
  const key = path(`${node}.key`);
  const cert = path(`${node}.pem`);
  const request = path(`${node}.csr`);
  const names = path(`${node}.ext`);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  try {
    // Fails where it is there already.
    writeFileSync(ca, "", { flag: "wx" });
    openssl(
      "req",
      "-x509",
      ...newKey,
      "-days",
      "2",
      "-subj",
      `/CN=${authority}`,
      "-keyout",
      caKey,
      "-out",
      ca,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  openssl("req", ...newKey, "-subj", `/CN=${node}`, "-keyout", key, "-out", request);
  writeFileSync(names, `subjectAltName=IP:127.0.0.1,DNS:${node}\n`);
  const sign = ["-CA", ca, "-CAkey", caKey, "-CAcreateserial", "-days", "2", "-extfile", names];
  openssl("x509", "-req", "-in", request, ...sign, "-out", cert);
  return { ca, cert, key };
}
