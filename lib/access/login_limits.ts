import type { Connection, Database } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Security } from "./security.ts";

/** Days for which an address that an account was signed in from counts as known. */
const knownDays = 30;
/** An account with this many times the allowed failures of one address is under attack. */
const attackFactor = 5;
/** Failures that an unknown address has free at an account under attack. */
const freeUnderAttack = 2;

/** First keys of the advisory locks; the second is a hash of the address or account. */
const addressLock = 0x10c5a;
const accountLock = 0x10c5b;

interface Counts {
  pair: number;
  pair_age: number | null;
  account: number;
  address: number;
  address_age: number | null;
  known: boolean;
}

/** Failures in the window: of the account from this address since its last success, and of each. */
const countStatement = `
  WITH recent AS (
    SELECT username, address, attempted_at
    FROM lockstep.login_attempt
    WHERE (username = $1 OR address = $2) AND NOT succeeded
      AND attempted_at > clock_timestamp() - make_interval(mins => $3::int)
  ), success AS (
    SELECT max(attempted_at) AS at
    FROM lockstep.login_attempt
    WHERE username = $1 AND address = $2 AND succeeded
      AND attempted_at > clock_timestamp() - make_interval(days => ${knownDays})
  ), pair AS (
    SELECT count(*)::int AS failures, max(attempted_at) AS at
    FROM recent
    WHERE username = $1 AND address = $2
      AND attempted_at > coalesce((SELECT at FROM success), '-infinity')
  ), by_address AS (
    SELECT count(*)::int AS failures, max(attempted_at) AS at FROM recent WHERE address = $2
  )
  SELECT pair.failures AS pair,
    EXTRACT(EPOCH FROM clock_timestamp() - pair.at)::float8 AS pair_age,
    (SELECT count(*)::int FROM recent WHERE username = $1) AS account,
    by_address.failures AS address,
    EXTRACT(EPOCH FROM clock_timestamp() - by_address.at)::float8 AS address_age,
    (SELECT at IS NOT NULL FROM success) AS known
  FROM pair, by_address`;

/**
 * Counts an attempt before its password is verified, as failed until `attemptSucceeded`, so that
 * attempts at the same time cannot each be the last allowed one. Resolves to its id.
 *
 * After the free failures of an account from one address each further one waits twice as long as
 * the one before, up to the window; so do all accounts from one address together. Failures from
 * elsewhere never close an account: while it is under attack, addresses that it was not signed in
 * from lately have fewer free failures of their own. Refused attempts do not count, so that
 * waiting always ends.
 *
 * @throws LockstepError `too_many_requests` with `Retry-After`
 */
export async function reserveAttempt(
  db: Database,
  attempt: { username: string; address: string },
  security: Security,
): Promise<number> {
  const username = attempt.username.toLowerCase().slice(0, 150);
  const address = network(attempt.address);
  return await db.transaction({}, async (tx) => {
    await tx.query(
      `SELECT pg_advisory_xact_lock(${addressLock}, hashtext($2)),
        pg_advisory_xact_lock(${accountLock}, hashtext($1))`,
      [username, address],
    );
    const [counts] = await tx.query<Counts>(countStatement, [
      username,
      address,
      security.LOGIN_WINDOW_MINUTES,
    ]);
    const wait = waitingTime(counts, security);
    if (wait > 0) {
      throw new LockstepError(
        "too_many_requests",
        `There were too many failed attempts to sign in. Try again in ${wait} seconds.`,
        { headers: { "Retry-After": String(wait) } },
      );
    }
    const [{ id }] = await tx.query<{ id: number }>(
      `INSERT INTO lockstep.login_attempt (username, address, succeeded, attempted_at)
      VALUES ($1, $2, false, clock_timestamp())
      RETURNING id`,
      [username, address],
    );
    return id;
  });
}

/** Turns a reserved attempt into a success, after which the account's failures from there are forgotten. */
export async function attemptSucceeded(conn: Connection, id: number): Promise<void> {
  await conn.execute(
    "UPDATE lockstep.login_attempt SET succeeded = true, attempted_at = clock_timestamp() WHERE id = $1",
    [id],
  );
}

/** Takes a reserved attempt back, where the server failed and not the user. */
export async function forgetAttempt(conn: Connection, id: number): Promise<void> {
  await conn.execute("DELETE FROM lockstep.login_attempt WHERE id = $1", [id]);
}

/** Deletes attempts that no limit looks at any more. Resolves to how many. */
export async function purgeLoginAttempts(conn: Connection, security: Security): Promise<number> {
  const { count } = await conn.execute(
    `DELETE FROM lockstep.login_attempt
    WHERE attempted_at < now() - make_interval(days => ${knownDays})
      OR NOT succeeded AND attempted_at < now() - make_interval(mins => $1::int)`,
    [security.LOGIN_WINDOW_MINUTES],
  );
  return count;
}

/** Seconds until the next attempt is allowed, 0 for now. */
export function waitingTime(counts: Counts, security: Security): number {
  const free = security.LOGIN_ATTEMPTS_PER_ACCOUNT;
  const underAttack = !counts.known && counts.account >= free * attackFactor;
  return Math.max(
    wait(counts.pair, underAttack ? Math.min(free, freeUnderAttack) : free, counts.pair_age),
    wait(counts.address, security.LOGIN_ATTEMPTS_PER_ADDRESS, counts.address_age),
  );

  function wait(failures: number, allowed: number, age: number | null): number {
    if (failures < allowed || age === null) return 0;
    const delay = Math.min(2 ** (failures - allowed), security.LOGIN_WINDOW_MINUTES * 60);
    return Math.max(0, Math.ceil(delay - age));
  }
}

/** The address, or the /64 network of an IPv6 one, all of which usually belongs to one customer. */
export function network(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1];
  if (!address.includes(":")) return address;
  const [head, tail] = address.split("%")[0].toLowerCase().split("::");
  const left = head ? head.split(":") : [];
  const right = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right];
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
