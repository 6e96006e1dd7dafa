// Ceph's radosgw for the tests that need a real S3 server: installed where that is nobody's machine but the tests'.
import { spawnSync } from "node:child_process";
import { aptInstall, mayInstall } from "./etcd-server.mjs";

const howTo =
  "install radosgw, ceph-mon and ceph-osd and put them on the PATH (Debian and Ubuntu: apt-get install radosgw ceph-mon ceph-osd)";

const isThere = () =>
  ["radosgw", "ceph-mon", "ceph-osd"].every((name) => spawnSync(name, ["--version"]).status === 0);

/**
 * Sees to it that it is there, where that may be done.
 * @returns {string | undefined} What to do where it is not there; undefined where it is.
 */
export function ensureS3Server() {
  if (isThere()) return undefined;
  if (!mayInstall()) return howTo;
  console.log("Installing radosgw with apt-get, for the tests that need a real S3 server …");
  aptInstall("radosgw", "ceph-mon", "ceph-osd");
  return isThere() ? undefined : `apt-get could not install it: ${howTo}`;
}
