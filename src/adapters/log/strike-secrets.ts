/**
 * Takes what is secret out of finished lines, so that no message can bring it in: the values that are known to be secret, and
 * whatever stands before the host in an address.
 */

/** Shorter ones are parts of ordinary words. */
const SECRET_CHARS_MIN = 4;
const STRUCK = "[secret]";
/** `etcd://user:password@host`: up to the last @ before the host. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)[^\s/"'\\@]*(?:@[^\s/"'\\@]*)*@/gi;

/** @param secrets Those shorter than four characters are not looked for. */
export function striker(secrets: readonly string[]): (line: string) => string {
  const known = secrets
    .filter((secret) => secret.length >= SECRET_CHARS_MIN)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return (line) => {
    let clean = line.replace(USER_INFO, `$1${STRUCK}@`);
    for (const secret of known) if (clean.includes(secret)) clean = clean.replaceAll(secret, STRUCK);
    return clean;
  };
}
