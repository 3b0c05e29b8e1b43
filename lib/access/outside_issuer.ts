import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify, type RemoteJWKSet } from "jose";
import { LockstepError } from "../errors/mod.ts";

export interface OutsideIssuerOptions {
  /** Where the issuer publishes its public keys. */
  url: string;
  /** What its tokens have as `iss` and, for us, as `aud`. */
  issuer: string;
  audience: string;
  /** The claim that names our user: `email`, or any other for the username. */
  claim: string;
}

/** Signatures by key pairs only: a shared secret among published keys would be no secret. */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** An issuer of tokens other than ourselves, such as a company's single sign-on. */
export class OutsideIssuer {
  readonly options: OutsideIssuerOptions;
  readonly #keys: RemoteJWKSet;

  constructor(options: OutsideIssuerOptions) {
    this.options = options;
    this.#keys = createRemoteJWKSet(new URL(options.url));
  }

  /**
   * The claims of a token that the issuer has signed for us.
   *
   * @param skew seconds that clocks may differ
   * @throws LockstepError `unavailable` when the issuer's keys cannot be read, else errors of `jose`
   */
  async verify(token: string, skew: number): Promise<JWTPayload> {
    const { issuer, audience, claim } = this.options;
    const { payload } = await jwtVerify(token, (header, jws) => this.#key(header, jws), {
      algorithms,
      issuer,
      audience,
      clockTolerance: skew,
      requiredClaims: ["exp", claim],
    });
    return payload;
  }

  async #key(...args: Parameters<RemoteJWKSet>) {
    try {
      return await this.#keys(...args);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JOSENotSupported) {
        throw cause;
      }
      throw new LockstepError(
        "unavailable",
        "The keys of the token's issuer cannot be read at this moment. Try again in a few seconds.",
        { cause, headers: { "Retry-After": "10" } },
      );
    }
  }
}
