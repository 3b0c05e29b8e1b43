/** What an import has made, so that it can be taken back. */
export const up = `
CREATE TABLE lockstep.imported_row (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  table_name text NOT NULL,
  -- The columns that identify the row.
  key jsonb NOT NULL,
  imported_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (table_name, key)
);
`;

export const down = `
DROP TABLE lockstep.imported_row;
`;
