/** What a failed handshake means, and what to do about it. */

export type TlsFault = "authority" | "expired" | "name" | "refused" | "plain";

export interface TlsReason {
  readonly fault: TlsFault;
  /** Says it of "it", the other node. */
  readonly text: string;
}

const AUTHORITY: TlsReason = {
  fault: "authority",
  text: "its certificate is not signed by the authority that is trusted here; give all nodes and clients the same --tls-ca, and certificates of that authority",
};
const EXPIRED: TlsReason = {
  fault: "expired",
  text: "its certificate has expired, or is not valid yet; make it a new one and start it again with that, or set its clock right",
};
const NAME: TlsReason = {
  fault: "name",
  text: "its certificate is for other names than the one that it is reached by; make it one that names its address",
};
const REFUSED: TlsReason = {
  fault: "refused",
  text: "it does not accept the certificate that was shown to it; show one of the authority that it trusts, that has not expired (--tls-cert, --tls-key)",
};
const PLAIN: TlsReason = {
  fault: "plain",
  text: "one side speaks TLS and the other does not; give all nodes and clients --tls-ca, --tls-cert and --tls-key, or none",
};

/** OpenSSL's and Node's names; with TLS 1.3 a refusal of ours is read as an alert after the handshake. */
const REASONS: Readonly<Record<string, TlsReason>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: AUTHORITY,
  CERT_SIGNATURE_FAILURE: AUTHORITY,
  CERT_UNTRUSTED: AUTHORITY,
  CERT_HAS_EXPIRED: EXPIRED,
  CERT_NOT_YET_VALID: EXPIRED,
  ERR_TLS_CERT_ALTNAME_INVALID: NAME,
  HOSTNAME_MISMATCH: NAME,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: REFUSED,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: REFUSED,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: REFUSED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: REFUSED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: REFUSED,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: REFUSED,
  ERR_SSL_WRONG_VERSION_NUMBER: PLAIN,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: PLAIN,
  HPE_INVALID_CONSTANT: PLAIN,
};

const CLOSED: TlsReason = {
  fault: "refused",
  text: "it closed the connection without a word, as it does where it does not accept the certificate that was shown to it: show one of the authority that it trusts, that has not expired (--tls-cert, --tls-key). Or it ended just now",
};
const HANGUPS = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/**
 * Undefined where the failure is no matter of certificates.
 * @param speaksTls A server that refuses a certificate says nothing: to whoever speaks TLS a closed connection may mean that.
 */
export function tlsReasonOf(error: unknown, speaksTls = false): TlsReason | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < CAUSES_MAX; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException;
    const reason = typeof code === "string" ? REASONS[code] : undefined;
    if (reason !== undefined) return reason;
    if (speaksTls && HANGUPS.has(String(code))) return CLOSED;
  }
  return undefined;
}

/** Deeper nobody wraps them. */
const CAUSES_MAX = 5;
