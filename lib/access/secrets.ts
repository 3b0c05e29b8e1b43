import { createHash } from "node:crypto";

/** A secret of 256 random bits in base64url, as cookies and refresh tokens carry it. */
export function randomSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/** What is stored of such a secret. A plain hash is enough: 256 random bits cannot be guessed. */
export function secretHash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
