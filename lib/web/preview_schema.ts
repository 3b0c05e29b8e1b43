import { z } from "zod";
import type { AccessPreview } from "../access/mod.ts";

const right = z.object({
  before: z.string().describe("Which rows, in words."),
  after: z.string(),
  gained: z.int().nullable().describe("Rows that are gained; null when they were not counted."),
  lost: z.int().nullable(),
});

/** What a change of rights would do, as the admin API answers it. */
export const previewSchema = z.object({
  preview: z.literal(true),
  changes: z.array(z.object({
    organization_id: z.int(),
    model: z.string(),
    groups: z.array(z.string()).describe("The groups that these users are in."),
    users: z.int(),
    usernames: z.array(z.string()).describe("The first ten."),
    devices: z.int(),
    push: right,
    pull: right,
  })),
  devices: z.object({ gain: z.int(), lose: z.int() }),
  message: z.string().describe("Why rows were not counted; empty when they all were."),
});

export function accessPreview(
  { changes, devices, message }: AccessPreview,
): z.input<typeof previewSchema> {
  return {
    preview: true,
    changes: changes.map(({ organizationId, ...change }) => ({
      organization_id: organizationId,
      ...change,
    })),
    devices,
    message,
  };
}
