import type { Principal } from "./principal.ts";

/** The columns of `lockstep.app_user` (as `u`) that make a principal. */
export const userColumns =
  "u.id, u.username, u.email, u.is_staff, u.is_superuser, u.token_generation";

export interface UserRow {
  id: number;
  username: string;
  email: string;
  is_staff: boolean;
  is_superuser: boolean;
  token_generation: number;
}

export function principalOf(row: UserRow): Principal {
  return {
    userId: row.id,
    username: row.username,
    email: row.email,
    isStaff: row.is_staff,
    isSuperuser: row.is_superuser,
    tokenGeneration: row.token_generation,
  };
}
