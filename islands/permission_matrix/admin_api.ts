/** The matrix of an organization as the admin API answers it. */
export interface Matrix {
  organization_id: number;
  models: MatrixModel[];
  groups: MatrixGroup[];
  cells: MatrixCell[];
}

export interface MatrixModel {
  name: string;
  writable: boolean;
  shared: boolean;
}

export interface MatrixGroup {
  id: number;
  name: string;
  members: number;
}

/** What a group may do with a model; of those without a cell, nothing. */
export interface MatrixCell {
  group_id: number;
  model: string;
  push: boolean;
  pull: boolean;
  filtered: boolean;
  version: string;
}

/** A cell to set, if it still is as it was read. */
export interface CellChange {
  organization_id: number;
  group_id: number;
  model: string;
  push: boolean;
  pull: boolean;
  version: string | null;
}

/** What a change would do to rows and devices. */
export interface Preview {
  changes: PreviewChange[];
  devices: { gain: number; lose: number };
  /** Why rows were not counted. */
  message: string;
}

export interface PreviewChange {
  model: string;
  groups: string[];
  users: number;
  usernames: string[];
  devices: number;
  pull: { before: string; after: string; gained: number | null; lost: number | null };
}

/** A change that the audit trail has of a permission or a data filter. */
export interface AccessEvent {
  id: number;
  at: string;
  actor: string;
  organization_id: number | null;
  action: string;
  changes: { field: string }[];
  after: { group_id: number; model_name: string; filters: unknown } | null;
}

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

/** A request that was refused or did not arrive; the message is a sentence for people. */
export class RequestError extends Error {
  constructor(message: string, readonly code = "") {
    super(message);
  }
}

const longestWait = 30_000;

/** @throws RequestError */
export async function request<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(`/api/admin/${path}`, {
      ...init,
      signal: AbortSignal.timeout(longestWait),
    });
  } catch {
    throw new RequestError("The server cannot be reached.");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  if (response.status === 401) {
    throw new RequestError("You are no longer signed in. Sign in again in another tab.");
  }
  throw new RequestError(
    body?.detail ?? `The server answered ${response.status}.`,
    body?.code ?? "",
  );
}

export async function saveCells(items: CellChange[]): Promise<void> {
  await request("permissions/", put(items));
}

/** What saving would do. */
export async function previewCells(items: CellChange[]): Promise<Preview> {
  return await request<Preview>("permissions/?preview=true", put(items));
}

function put(items: CellChange[]): RequestInit {
  return {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ items }),
  };
}

export async function readMatrix(organizationId: number): Promise<Matrix> {
  return await request<Matrix>(`permissions/matrix?organization_id=${organizationId}`);
}
