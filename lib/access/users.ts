import type { Connection, Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import {
  type AdminScope,
  notFound,
  requireAll,
  userEditableIn,
  userVisibleIn,
} from "./admin_scope.ts";
import { duplicateAs, textField } from "./fields.ts";
import { checkNewPassword } from "./password_policy.ts";
import { hashPassword } from "./passwords.ts";
import { revokeAllTokens } from "./revocation.ts";
import { randomSecret } from "./secrets.ts";
import type { Security } from "./security.ts";
import { revokeSessions } from "./sessions.ts";
import { deleteRow, lockRow, type RowVersion, updateRow } from "./stored_row.ts";
import { normalizeUsername } from "./username.ts";

export interface NewUser {
  username: string;
  /** Null for a user who signs in through an outside issuer only. */
  password: string | null;
  email?: string;
  firstName?: string;
  lastName?: string;
  isStaff?: boolean;
  isSuperuser?: boolean;
}

/**
 * Creates an active user. Resolves to the id.
 *
 * @throws LockstepError `invalid_value`, or `duplicate` when the username is taken in any case of
 *   its letters
 */
export async function createUser(
  conn: Connection,
  user: NewUser,
  security: Security,
): Promise<number> {
  const username = checkUsername(user.username);
  const email = checkEmail(user.email ?? "");
  if (user.password !== null) {
    checkNewPassword(user.password, { username, email }, security.PASSWORD_MIN_LENGTH);
  }
  const [{ id }] = await duplicateAs(
    `There is a user "${username}" already. Choose another username.`,
    conn.query<{ id: number }>(
      `INSERT INTO lockstep.app_user
        (username, password, email, first_name, last_name, is_staff, is_superuser)
      VALUES ($1, $2, $3, $4, $5, $6, $7)
      RETURNING id`,
      [
        username,
        // "!" begins a hash that no password has, as in Django.
        user.password === null ? `!${randomSecret()}` : await hashPassword(user.password),
        email,
        textField("first_name", user.firstName ?? "", { max: 150, empty: true }),
        textField("last_name", user.lastName ?? "", { max: 150, empty: true }),
        user.isStaff ?? false,
        user.isSuperuser ?? false,
      ],
    ),
  );
  return id;
}

/** The id of the user of that name; creates one if there is none, else leaves it as it is. */
export async function ensureUser(
  conn: Connection,
  user: NewUser,
  security: Security,
): Promise<number> {
  return await findUser(conn, user.username) ?? await createUser(conn, user, security);
}

/** The id of the user of that name in any case of its letters. */
export async function findUser(conn: Connection, username: string): Promise<number | undefined> {
  const [row] = await conn.query<{ id: number }>(
    "SELECT id FROM lockstep.app_user WHERE lower(username) = lower($1)",
    [normalizeUsername(username)],
  );
  return row?.id;
}

/**
 * Locks a user whom `scope` may edit.
 *
 * @throws LockstepError `not_found` for one who is not seen either, `permission_denied`,
 *   `precondition_failed`
 */
export async function lockEditableUser(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  version: RowVersion,
) {
  const params: unknown[] = [id];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const [allowed] = await tx.query<{ visible: boolean; editable: boolean }>(
    `SELECT ${userVisibleIn(scope, "u.id", addParam)} AS visible,
      ${userEditableIn(scope, "u.id", addParam)} AS editable
    FROM lockstep.app_user u WHERE u.id = $1`,
    params,
  );
  if (!allowed?.visible) throw notFound("user", id);
  if (!allowed.editable) {
    throw new LockstepError(
      "permission_denied",
      `The user ${id} is staff, or a member of an organization that you do not administer. You may ` +
        "change their memberships in your own; ask staff for the rest.",
    );
  }
  return await lockRow<{
    username: string;
    email: string;
    first_name: string;
    last_name: string;
    is_active: boolean;
    is_staff: boolean;
    is_superuser: boolean;
    avatar_url: string | null;
  }>(tx, "app_user", id, version);
}

/** What of a user can be changed. The password is changed by `changePassword`. */
export interface UserChange {
  username?: string;
  email?: string;
  firstName?: string;
  lastName?: string;
  isActive?: boolean;
  /** By staff only, as `isSuperuser`. */
  isStaff?: boolean;
  isSuperuser?: boolean;
  /** A path of this server, a small picture as a data: address, or an http(s) address. */
  avatarUrl?: string | null;
}

/**
 * Changes a user. One who is disabled is signed out everywhere. Resolves to whether anything was
 * written.
 *
 * @param actorId who asks: nobody can disable themselves or give up their own rank
 * @throws LockstepError `not_found`, `permission_denied`, `precondition_failed`, `invalid_value`,
 *   `duplicate`, `conflict`
 */
export async function updateUser(
  tx: Transaction,
  scope: AdminScope,
  actorId: number,
  id: number,
  version: RowVersion,
  change: UserChange,
): Promise<boolean> {
  const row = await lockEditableUser(tx, scope, id, version);
  const { isStaff = row.is_staff, isSuperuser = row.is_superuser } = change;
  const { isActive = row.is_active } = change;
  if (isStaff !== row.is_staff || isSuperuser !== row.is_superuser) requireAll(scope);
  const falls = row.is_active && !isActive || row.is_staff && !isStaff ||
    row.is_superuser && !isSuperuser;
  if (falls && actorId === id) {
    throw new LockstepError(
      "conflict",
      "You cannot disable yourself or give up your own rank. Ask somebody else to do it.",
    );
  }
  const username = change.username === undefined ? undefined : checkUsername(change.username);
  const written = await duplicateAs(
    `There is a user "${username}" already. Choose another username.`,
    updateRow(tx, "app_user", id, {
      username,
      email: change.email === undefined ? undefined : checkEmail(change.email),
      first_name: nameField("first_name", change.firstName),
      last_name: nameField("last_name", change.lastName),
      is_active: isActive,
      is_staff: isStaff,
      is_superuser: isSuperuser,
      avatar_url: change.avatarUrl ? checkAvatar(change.avatarUrl) : change.avatarUrl,
    }),
  );
  if (row.is_active && !isActive) {
    await revokeAllTokens(tx, id);
    await revokeSessions(tx, id);
  }
  return written;
}

/** @throws LockstepError `not_found`, `permission_denied`, `precondition_failed`, `conflict` */
export async function deleteUser(
  tx: Transaction,
  scope: AdminScope,
  actorId: number,
  id: number,
  version: RowVersion,
): Promise<void> {
  await lockEditableUser(tx, scope, id, version);
  requireAll(scope);
  if (actorId === id) {
    throw new LockstepError("conflict", "You cannot delete yourself. Ask somebody else to do it.");
  }
  await deleteRow(tx, "app_user", id);
}

function nameField(field: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : textField(field, value, { max: 150, empty: true });
}

/** It goes out with each message of the chat. */
const longestAvatar = 10_000;

/** Pages load nothing from other hosts, so that they show initials where it is an http(s) address. */
function checkAvatar(text: string): string {
  const url = textField("avatar_url", text, { max: longestAvatar });
  const kinds = [
    /^\/(?!\/)[^\s\\]*$/,
    /^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/,
    /^https?:\/\/[^\s]+$/i,
  ];
  if (kinds.some((kind) => kind.test(url))) return url;
  const message =
    "Give a path that begins with one slash, a picture as data:image/png;base64,… (or " +
    "jpeg, webp, gif), or an http or https address.";
  throw new LockstepError("invalid_value", `avatar_url is no address of a picture. ${message}`, {
    errors: [{ field: "avatar_url", message }],
  });
}

function checkUsername(text: string): string {
  const username = textField("username", normalizeUsername(text), { max: 150 });
  // Django's rule, so that users can move between the two.
  if (/^[\p{L}\p{N}_.@+-]+$/u.test(username)) return username;
  throw new LockstepError(
    "invalid_value",
    `The username "${username}" may have letters, digits and _ . @ + - only.`,
    { errors: [{ field: "username", message: "Use letters, digits and _ . @ + - only." }] },
  );
}

function checkEmail(text: string): string {
  const email = textField("email", text, { max: 254, empty: true });
  if (email === "" || /^[^\s@]+@[^\s@]+$/.test(email)) return email;
  throw new LockstepError("invalid_value", `"${email}" is not an e-mail address like name@host.`, {
    errors: [{ field: "email", message: "Write it like name@host." }],
  });
}
