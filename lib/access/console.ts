import type { Connection } from "../db/mod.ts";
import type { Principal } from "./principal.ts";
import { principalOf, userColumns, type UserRow } from "./user_row.ts";

/**
 * Who works at the console of the machine, with the database itself at hand: nobody's rights can be
 * less than that. No user has the id 0.
 */
export const consolePrincipal: Principal = {
  userId: 0,
  username: "console",
  email: "",
  isStaff: true,
  isSuperuser: true,
};

/** The active user of that name, without proof: for who works at the console. */
export async function principalNamed(
  conn: Connection,
  username: string,
): Promise<Principal | undefined> {
  const [row] = await conn.query<UserRow>(
    `SELECT ${userColumns} FROM lockstep.app_user u
    WHERE lower(u.username) = lower($1) AND u.is_active`,
    [username],
  );
  return row && principalOf(row);
}
