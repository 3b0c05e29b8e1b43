import { HttpError } from "fresh";
import { sqlError } from "../db/mod.ts";
import { type ErrorCode, LockstepError } from "../errors/mod.ts";

const titles: Record<number, string> = {
  400: "Bad request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  406: "Not acceptable",
  409: "Conflict",
  412: "Precondition failed",
  413: "Content too large",
  415: "Unsupported media type",
  422: "Unprocessable content",
  428: "Precondition required",
  429: "Too many requests",
  500: "Internal server error",
  503: "Service unavailable",
};

/** The body of an RFC 9457 problem document. */
export function problemBody(error: LockstepError, requestId: string): Record<string, unknown> {
  return {
    type: `urn:lockstep:problem:${error.code}`,
    title: titles[error.status] ?? "Error",
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.errors ? { errors: error.errors } : {}),
    ...error.extra,
    request_id: requestId,
  };
}

/** The answer to a failed request. */
export function problem(error: LockstepError, requestId: string): Response {
  const headers = new Headers(error.headers);
  headers.set("Content-Type", "application/problem+json");
  headers.set("Cache-Control", "no-store");
  if (error.status === 401) headers.set("WWW-Authenticate", `Bearer error="${error.code}"`);
  if (error.status === 503 && !headers.has("Retry-After")) headers.set("Retry-After", "1");
  return new Response(JSON.stringify(problemBody(error, requestId)), {
    status: error.status,
    headers,
  });
}

const codeOfStatus: Record<number, ErrorCode> = {
  400: "bad_request",
  401: "unauthorized",
  403: "permission_denied",
  404: "not_found",
  405: "method_not_allowed",
  413: "too_large",
};

/** Connection trouble, shutdown, too many connections, statement and lock time-outs. */
const unavailable = /^(?:08...|53...|57P0.|57014|55P03|25P03|40001|40P01)$/;

/**
 * What is said of anything that was thrown. Only errors that were made to be public keep their text;
 * of all others nothing goes out.
 */
export function publicError(error: unknown): LockstepError {
  if (error instanceof LockstepError) return error;
  if (error instanceof HttpError) {
    const code = codeOfStatus[error.status];
    if (code) {
      const detail = error.message && error.message !== titles[error.status]
        ? error.message
        : `${titles[error.status]}.`;
      return new LockstepError(code, detail, { status: error.status, cause: error });
    }
  }
  const sql = sqlError(error);
  const lost = error instanceof Error && "code" in error &&
    /^(?:CONNECT|ECONN|ETIMEDOUT)/.test(String(error.code));
  if (lost || sql && unavailable.test(sql.code)) {
    return new LockstepError("unavailable", "The database is busy or away. Try again shortly.", {
      cause: error,
    });
  }
  return new LockstepError(
    "internal_error",
    "Something went wrong on the server. It was logged under the request id.",
    { cause: error },
  );
}
