import { type JWTPayload, jwtVerify, SignJWT } from "jose";
import type { Secret } from "../config/mod.ts";

/** `iss` of our tokens. */
export const issuer = "lockstep";
/** `aud` of our tokens: they open the sync API and nothing else that shares the secret. */
export const audience = "lockstep-sync";

/** The secrets that sign and verify our tokens (HS256): the first signs, each verifies its `kid`. */
export class TokenKeys {
  readonly #signing: { kid: string; key: Uint8Array };
  readonly #byId: Map<string, Uint8Array>;

  constructor(secrets: readonly Secret[]) {
    const encoder = new TextEncoder();
    const keys = secrets.map(({ kid, secret }) => ({ kid, key: encoder.encode(secret) }));
    this.#signing = keys[0];
    this.#byId = new Map(keys.map(({ kid, key }) => [kid, key]));
  }

  /** Signs `claims`, with our issuer and audience, from now until `expires`. */
  async sign(claims: JWTPayload, expires: Date): Promise<string> {
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", typ: "JWT", kid: this.#signing.kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(this.#signing.key);
  }

  /**
   * The claims of a token that one of the secrets has signed. No other algorithm is accepted,
   * whatever the token's header says (RFC 8725, section 3.1).
   *
   * @param skew seconds that clocks may differ
   * @throws errors of `jose`
   */
  async verify(token: string, skew: number): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, ({ kid }) => {
      const key = this.#byId.get(kid ?? "");
      if (!key) throw new UnknownKey();
      return key;
    }, {
      algorithms: ["HS256"],
      issuer,
      audience,
      clockTolerance: skew,
      requiredClaims: ["sub", "jti", "iat", "exp", "gen"],
    });
    return payload;
  }
}

/** The token was signed with a secret that is none of ours, or not any more. */
export class UnknownKey extends Error {}
