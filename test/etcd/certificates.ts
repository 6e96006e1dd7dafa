/** A private CA and what it signed, by openssl, for tests of TLS. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

export interface Certificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Good for a server on 127.0.0.1 and for a client, for a day. */
export function makeCertificates(directory: string): Certificates {
  const file = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const [caFile, caKey] = [file("ca.pem"), file("ca.key")];
  openssl("req", "-x509", ...newKey, "-keyout", caKey, "-out", caFile, "-days", "1", "-subj", "/CN=ca");
  const [certFile, keyFile, request, extensions] = [
    file("own.pem"),
    file("own.key"),
    file("own.csr"),
    file("ext"),
  ];
  writeFileSync(extensions, "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n");
  openssl("req", "-new", ...newKey, "-keyout", keyFile, "-out", request, "-subj", "/CN=own");
  const signed = ["-CA", caFile, "-CAkey", caKey, "-CAcreateserial", "-days", "1", "-extfile", extensions];
  openssl("x509", "-req", "-in", request, "-out", certFile, ...signed);
  return { caFile, certFile, keyFile };
}
