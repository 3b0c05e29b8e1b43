import {
  createMembership,
  deleteMembership,
  findUser,
  notFound,
  updateMembership,
} from "../access/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { State } from "./define.ts";
import { type LosingChange, rowNumber } from "./form_change.ts";
import { readItem } from "./list_page.ts";
import { membershipList } from "./list_sources.ts";
import { administeredOrganization } from "./page_admin.ts";

/**
 * What the form of an organization's or user's page asks for: `action` is `add` (with `username` or
 * `organization`, and `group`), `move`, `suspend`, `resume` or `remove` (with `membership` and
 * `version`).
 *
 * @param place whose page it is
 * @throws LockstepError `invalid_value` that names the field, `not_found`
 */
export async function membershipByForm(
  state: State,
  fields: URLSearchParams,
  place: { organizationId: number } | { userId: number },
): Promise<LosingChange> {
  const { services: { db }, admin } = state;
  const { scope } = admin!;
  const action = fields.get("action");
  const groupId = rowNumber(fields.get("group"));
  if ((action === "add" || action === "move") && groupId === undefined) {
    throw fieldProblem("group", "Choose a group.");
  }
  if (action === "add") {
    const { organizationId, userId } = "userId" in place
      ? {
        ...place,
        organizationId: (await administeredOrganization(state, fields.get("organization") ?? ""))
          ?.id,
      }
      : { ...place, userId: await findUser(db, fields.get("username") ?? "") };
    if (organizationId === undefined) {
      throw fieldProblem("organization", "Choose an organization that you administer.");
    }
    if (userId === undefined) throw noUser(fields);
    return {
      organizationIds: [organizationId],
      verb: "Add the member",
      async run(tx) {
        try {
          return await createMembership(tx, scope, { userId, organizationId, groupId: groupId! });
        } catch (error) {
          // Nobody, and somebody whom the reader may not know of, are told in the same words.
          const hidden = error instanceof LockstepError &&
            error.message === notFound("user", userId).message;
          throw hidden ? noUser(fields) : error;
        }
      },
    };
  }
  const id = rowNumber(fields.get("membership"));
  const membership = id && await readItem(db, scope, membershipList, id);
  if (!membership) throw notFound("membership", fields.get("membership") ?? "");
  const version = fields.get("version") ?? "";
  const organizationIds = [membership.organization_id as number];
  switch (action) {
    case "move":
      return {
        organizationIds,
        verb: "Move and take these rows away",
        run: (tx) => updateMembership(tx, scope, id, version, { groupId }),
      };
    case "suspend":
    case "resume":
      return {
        organizationIds,
        verb: "Suspend and take these rows away",
        run: (tx) => updateMembership(tx, scope, id, version, { isActive: action === "resume" }),
      };
    case "remove":
      return {
        organizationIds,
        verb: "Remove and take these rows away",
        run: (tx) => deleteMembership(tx, scope, id, version),
      };
  }
  throw fieldProblem("action", "The form asks for nothing that this page does.");
}

function noUser(fields: URLSearchParams): LockstepError {
  const username = (fields.get("username") ?? "").trim().slice(0, 150);
  return fieldProblem(
    "username",
    `There is no user "${username}" whom you may add. Check the name, or create the user.`,
  );
}

/** The error for one field of a form. */
export function fieldProblem(field: string, message: string): LockstepError {
  return new LockstepError("invalid_value", message, { errors: [{ field, message }] });
}
