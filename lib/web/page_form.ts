import { LockstepError } from "../errors/mod.ts";
import { mediaType, readText } from "./body.ts";

const largestForm = 65_536;

/**
 * The fields of a form that a page sent.
 *
 * @throws LockstepError `unsupported_media_type`, `too_large`, `invalid_encoding`
 */
export async function readForm(req: Request): Promise<URLSearchParams> {
  if (mediaType(req) !== "application/x-www-form-urlencoded") {
    throw new LockstepError(
      "unsupported_media_type",
      "Send the form as application/x-www-form-urlencoded.",
    );
  }
  return new URLSearchParams(await readText(req, largestForm));
}
