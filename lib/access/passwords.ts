import { pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { argon2id, argon2Verify } from "hash-wasm";
import { LockstepError } from "../errors/mod.ts";

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. */
const cost = { memorySize: 19_456, iterations: 2, parallelism: 1, hashLength: 32 };
const currentPrefix = "$argon2id$v=19$m=19456,t=2,p=1$";

/** Most bytes of a password: more would only cost time. */
export const maxPasswordBytes = 1_024;

/** Hashes waiting for their turn beyond which a login is refused instead of piling up memory. */
const maxWaiting = 100;

/** Verified against where there is no hash of a user, so that it takes the time of one. Of random bytes. */
const decoy = `${currentPrefix}Kss1mBnbXSfhkx1c7QYf7A$bVrq2oNAV2Jf7YFwLuTqHjYVq5eVYhVKVv6mZ1pZQ0E`;

/** The argon2id hash of `password` as a PHC string. */
export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  return await inTurn(() => argon2id({ password, salt, ...cost, outputType: "encoded" }));
}

/**
 * Whether `password` is the one that `hash` was made of: ours, or Django's `argon2$…`,
 * `pbkdf2_sha256$…` and `pbkdf2_sha1$…`. Without a hash that can match (no user, Django's unusable
 * `!…`, an unknown scheme) it takes as long as with one of ours and is false.
 */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  const fits = isStorable(password);
  const pbkdf2 = hash && djangoPbkdf2.exec(hash)?.groups;
  if (fits && pbkdf2) return await verifyPbkdf2(password, pbkdf2);
  const argon2 = hash && djangoArgon2.exec(hash)?.[1];
  const matches = await inTurn(() =>
    argon2Verify({ password: fits ? password : "unfit", hash: argon2 || decoy })
  );
  return matches && fits && Boolean(argon2);
}

/** Whether `verifyPassword` knows how a hash was made. */
export function isVerifiable(hash: string): boolean {
  return djangoPbkdf2.test(hash) || djangoArgon2.test(hash);
}

/** Whether a hash was made in another way than `hashPassword` makes one today. */
export function needsRehash(hash: string): boolean {
  return !hash.startsWith(currentPrefix);
}

/** Whether a password can be hashed byte for byte: short enough, and without half surrogate pairs. */
export function isStorable(password: string): boolean {
  return password.isWellFormed() && password.length > 0 &&
    new TextEncoder().encode(password).length <= maxPasswordBytes;
}

const djangoPbkdf2 =
  /^pbkdf2_(?<digest>sha256|sha1)\$(?<iterations>\d{1,8})\$(?<salt>[^$]*)\$(?<key>[A-Za-z0-9+/]+=*)$/;

const djangoArgon2 = /^(?:argon2)?(\$argon2(?:id|i|d)\$v=19\$m=\d+,t=\d+,p=\d+\$.+)$/;

async function verifyPbkdf2(
  password: string,
  { digest, iterations, salt, key }: Record<string, string>,
): Promise<boolean> {
  const expected = Uint8Array.fromBase64(key);
  if (+iterations < 1 || expected.length !== (digest === "sha256" ? 32 : 20)) return false;
  const actual = await derive(password, salt, +iterations, expected.length, digest);
  return timingSafeEqual(actual, expected);
}

const derive = promisify(pbkdf2);

let waiting = 0;
let last: Promise<unknown> = Promise.resolve();

/** One hash at a time: each takes 19 MiB and, in WebAssembly, the whole thread. */
async function inTurn<T>(fn: () => Promise<T>): Promise<T> {
  if (waiting >= maxWaiting) {
    throw new LockstepError(
      "unavailable",
      "Too many people are signing in at this moment. Try again in a few seconds.",
      { headers: { "Retry-After": "5" } },
    );
  }
  waiting++;
  const turn = last.then(fn);
  last = turn.catch(() => {});
  try {
    return await turn;
  } finally {
    waiting--;
  }
}
