import { LockstepError } from "../errors/mod.ts";
import { mediaType, readText } from "./body.ts";

/** Bytes of a form without long texts. */
const largestForm = 65_536;

/**
 * The fields of a form that a page sent.
 *
 * @param largest bytes
 *
 * @throws LockstepError `unsupported_media_type`, `too_large`, `invalid_encoding`
 */
export async function readForm(req: Request, largest = largestForm): Promise<URLSearchParams> {
  if (mediaType(req) !== "application/x-www-form-urlencoded") {
    throw new LockstepError(
      "unsupported_media_type",
      "Send the form as application/x-www-form-urlencoded.",
    );
  }
  return new URLSearchParams(await readText(req, largest));
}
