/** The audit trail: events written by triggers, their hash chain, and what keeps them unaltered. */

/** Identifies the lock that sealing and purging take, among the database's advisory locks. */
const chainLock = 0x10c57ea;

export const up = `
CREATE TABLE lockstep.audit_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  actor_id integer,
  actor text NOT NULL,
  database_role name NOT NULL DEFAULT session_user,
  source text NOT NULL CHECK (source IN ('api', 'admin', 'cli', 'job', 'sql')),
  request_id text NOT NULL DEFAULT '',
  reverts_id bigint,
  organization_id integer,
  -- Whether the row came from another organization, and from which.
  moved boolean NOT NULL DEFAULT false,
  previous_organization_id integer,
  model text NOT NULL,
  -- Column name to text, so that a key of any type is compared and sent without loss.
  key jsonb,
  action text NOT NULL,
  changed text[],
  before jsonb,
  after jsonb
);
CREATE INDEX audit_event_xid ON lockstep.audit_event (xid);
CREATE INDEX audit_event_at ON lockstep.audit_event USING brin (at);
CREATE INDEX audit_event_organization ON lockstep.audit_event (organization_id, id);
CREATE INDEX audit_event_moved ON lockstep.audit_event (previous_organization_id, id)
  WHERE previous_organization_id IS NOT NULL;
-- A hash, because a btree refuses keys longer than a third of a page.
CREATE INDEX audit_event_key ON lockstep.audit_event (model, jsonb_hash_extended(key, 0), id);
CREATE INDEX audit_event_actor ON lockstep.audit_event (actor, id);

-- The hash chain. Each link covers the one before and its event; positions have no gaps.
CREATE TABLE lockstep.audit_seal (
  position bigint PRIMARY KEY,
  event_id bigint NOT NULL UNIQUE,
  hash bytea NOT NULL
);

-- Where the chain begins (what retention has removed ends there) and where it ends.
CREATE TABLE lockstep.audit_chain (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  anchor_position bigint NOT NULL DEFAULT 0,
  anchor_hash bytea NOT NULL DEFAULT sha256(''),
  head_position bigint NOT NULL DEFAULT 0,
  head_hash bytea NOT NULL DEFAULT sha256(''),
  -- Every event of an earlier transaction is sealed.
  sealed_before xid8 NOT NULL DEFAULT pg_current_xact_id(),
  -- The youngest age at which the purge function may remove events.
  retention_floor interval NOT NULL DEFAULT '30 days'
);
INSERT INTO lockstep.audit_chain DEFAULT VALUES;

-- Which tables are audited and how: what their triggers must look like.
CREATE TABLE lockstep.audit_table (
  table_schema name NOT NULL,
  table_name name NOT NULL,
  model text NOT NULL UNIQUE,
  config jsonb NOT NULL,
  enabled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (table_schema, table_name)
);

CREATE FUNCTION lockstep.audit_context(
  OUT actor_id integer, OUT actor text, OUT source text, OUT request_id text, OUT reverts_id bigint
) LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN s.actor_id ~ '^[0-9]{1,9}$' THEN s.actor_id::integer END,
    coalesce(s.actor, session_user::text),
    CASE WHEN s.source IN ('api', 'admin', 'cli', 'job') THEN s.source ELSE 'sql' END,
    coalesce(s.request_id, ''),
    CASE WHEN s.reverts ~ '^[0-9]{1,18}$' THEN s.reverts::bigint END
  FROM (SELECT
    nullif(current_setting('lockstep.actor_id', true), '') AS actor_id,
    nullif(current_setting('lockstep.actor', true), '') AS actor,
    current_setting('lockstep.source', true) AS source,
    current_setting('lockstep.request_id', true) AS request_id,
    current_setting('lockstep.reverts', true) AS reverts) s
$$;

CREATE FUNCTION lockstep.audit_compound_key(value jsonb, columns text[]) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_object_agg(c, value ->> c) FROM unnest(columns) c
$$;

-- Apart from the compound key, so that the planner inlines the usual case.
CREATE FUNCTION lockstep.audit_key(value jsonb, columns text[]) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN cardinality(columns) = 1 THEN jsonb_build_object(columns[1], value ->> columns[1])
    ELSE lockstep.audit_compound_key(value, columns) END
$$;

CREATE FUNCTION lockstep.audit_organization(value jsonb, tenant text) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN value ->> tenant ~ '^[0-9]{1,9}$' THEN (value ->> tenant)::integer END
$$;

-- Hides secrets: always, or with a pattern only in rows whose column "key" matches it.
CREATE FUNCTION lockstep.audit_mask(value jsonb, mask jsonb, pattern text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN mask IS NULL OR NOT coalesce(value ->> 'key' ~* pattern, true)
    THEN value ELSE value || mask END
$$;

-- The settings make to_jsonb() write a value the same way in every session, and suit the plans: a
-- merge would sort jsonb, and a plan kept from a large statement would be compiled for a small one.
-- OFFSET 0 keeps the planner from evaluating to_jsonb() again wherever its result is used.
CREATE FUNCTION lockstep.audit_trigger() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'iso_8601'
SET bytea_output = 'hex' SET extra_float_digits = 1 SET enable_mergejoin = off SET jit = off AS $$
DECLARE
  config jsonb := TG_ARGV[0];
  model text := config ->> 'model';
  keys text[] := ARRAY(SELECT jsonb_array_elements_text(config -> 'key'));
  ignored text[] := ARRAY(SELECT jsonb_array_elements_text(config -> 'ignore'));
  tenant text := config ->> 'tenant';
  mask jsonb := config -> 'mask';
  pattern text := config ->> 'maskWhenKey';
  c record;
BEGIN
  SELECT * INTO c FROM lockstep.audit_context();
  IF TG_OP = 'INSERT' THEN
    INSERT INTO lockstep.audit_event (actor_id, actor, source, request_id, reverts_id,
      organization_id, model, key, action, after)
    SELECT c.actor_id, c.actor, c.source, c.request_id, c.reverts_id,
      lockstep.audit_organization(n.value, tenant), model, lockstep.audit_key(n.value, keys),
      'create', lockstep.audit_mask(n.value, mask, pattern)
    FROM (SELECT to_jsonb(r) AS value FROM new_rows r OFFSET 0) n;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO lockstep.audit_event (actor_id, actor, source, request_id, reverts_id,
      organization_id, model, key, action, before)
    SELECT c.actor_id, c.actor, c.source, c.request_id, c.reverts_id,
      lockstep.audit_organization(o.value, tenant), model, lockstep.audit_key(o.value, keys),
      'delete', lockstep.audit_mask(o.value, mask, pattern)
    FROM (SELECT to_jsonb(r) AS value FROM old_rows r OFFSET 0) o;
  ELSIF TG_OP = 'UPDATE' THEN
    -- A row is its key: a changed key is the end of one row and the beginning of another.
    INSERT INTO lockstep.audit_event (actor_id, actor, source, request_id, reverts_id,
      organization_id, moved, previous_organization_id, model, key, action, changed, before, after)
    SELECT c.actor_id, c.actor, c.source, c.request_id, c.reverts_id,
      lockstep.audit_organization(coalesce(n.value, o.value), tenant),
      coalesce(tenant = ANY (d.changed), false),
      CASE WHEN tenant = ANY (d.changed) THEN lockstep.audit_organization(o.value, tenant) END,
      model, coalesce(n.key, o.key),
      CASE WHEN o.key IS NULL THEN 'create' WHEN n.key IS NULL THEN 'delete' ELSE 'update' END,
      d.changed, lockstep.audit_mask(o.value, mask, pattern),
      lockstep.audit_mask(n.value, mask, pattern)
    FROM (SELECT lockstep.audit_key(r.value, keys) AS key, r.value
          FROM (SELECT to_jsonb(t) AS value FROM old_rows t OFFSET 0) r OFFSET 0) o
    FULL JOIN (SELECT lockstep.audit_key(r.value, keys) AS key, r.value
          FROM (SELECT to_jsonb(t) AS value FROM new_rows t OFFSET 0) r OFFSET 0) n ON o.key = n.key
    CROSS JOIN LATERAL (
      SELECT array_agg(f.key) AS changed FROM jsonb_each(n.value) f
      WHERE o.key = n.key AND o.value <> n.value
        AND f.value <> o.value -> f.key AND f.key <> ALL (ignored)) d
    WHERE d.changed IS NOT NULL OR o.key IS NULL OR n.key IS NULL;
  ELSE
    INSERT INTO lockstep.audit_event (actor_id, actor, source, request_id, model, action, before)
    VALUES (c.actor_id, c.actor, c.source, c.request_id, model, 'truncate',
      jsonb_build_object('table', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME));
  END IF;
  RETURN NULL;
END $$;

-- Events that no table shows: a login, an export, a take-over.
CREATE FUNCTION lockstep.audit_record(
  action text, model text, key jsonb, detail jsonb, organization integer
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO lockstep.audit_event (actor_id, actor, source, request_id, organization_id, model,
    key, action, after)
  SELECT c.actor_id, c.actor, c.source, c.request_id, organization, model, key, action, detail
  FROM lockstep.audit_context() c
  RETURNING id
$$;

-- Creates the triggers of an audited table and its partitions where they are missing or differ.
CREATE FUNCTION lockstep.audit_attach(target regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  spec jsonb := (SELECT a.config FROM lockstep.audit_table a
    WHERE to_regclass(format('%I.%I', a.table_schema, a.table_name)) = target);
  part regclass;
  event text;
  trigger_name text;
BEGIN
  FOR part IN SELECT relid FROM pg_partition_tree(target) UNION SELECT target LOOP
    FOREACH event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] LOOP
      trigger_name := 'lockstep_audit_' || lower(event);
      CONTINUE WHEN EXISTS (SELECT FROM lockstep.audit_attached a WHERE a.relation = part
        AND a.operation = event AND a.config = spec::text
        AND a.enabled = 'A');
      EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', trigger_name, part);
      CONTINUE WHEN spec ? 'operations' AND NOT spec -> 'operations' ? event;
      EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT
          EXECUTE FUNCTION lockstep.audit_trigger(%L)', trigger_name, event, part,
        CASE event WHEN 'INSERT' THEN 'REFERENCING NEW TABLE AS new_rows'
          WHEN 'UPDATE' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
          WHEN 'DELETE' THEN 'REFERENCING OLD TABLE AS old_rows' ELSE '' END,
        spec);
      -- Fires under session_replication_role = replica too.
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', part, trigger_name);
    END LOOP;
  END LOOP;
END $$;

CREATE VIEW lockstep.audit_attached AS
SELECT t.tgrelid::regclass AS relation, upper(replace(t.tgname, 'lockstep_audit_', '')) AS operation,
  t.tgenabled AS enabled,
  convert_from(btrim(t.tgargs, '\\x00'), getdatabaseencoding()) AS config
FROM pg_catalog.pg_trigger t
WHERE t.tgfoid = 'lockstep.audit_trigger()'::regprocedure AND NOT t.tgisinternal;

CREATE FUNCTION lockstep.audit_digest(e lockstep.audit_event) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(convert_to(jsonb_build_array(e.id,
    to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), e.xid::text, e.actor_id, e.actor,
    e.database_role, e.source, e.request_id, e.reverts_id, e.organization_id, e.moved,
    e.previous_organization_id, e.model, e.key, e.action, e.changed, e.before, e.after)::text, 'UTF8'))
$$;

CREATE FUNCTION lockstep.audit_link(state bytea, first bytea, digest bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN sha256(coalesce(state, first) || digest); END $$;

-- Each link in turn, when used over an ordered window; "first" is the link before them all.
CREATE AGGREGATE lockstep.audit_links(first bytea, digest bytea)
  (sfunc = lockstep.audit_link, stype = bytea);

-- Appends committed events to the chain, at most "batch", and returns how many. Only those of
-- transactions older than every running one: no later commit can come before them.
CREATE FUNCTION lockstep.audit_seal_pending(batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  chain lockstep.audit_chain;
  horizon xid8;
  sealed integer;
BEGIN
  PERFORM pg_advisory_xact_lock(${chainLock});
  SELECT * INTO chain FROM lockstep.audit_chain;
  horizon := pg_snapshot_xmin(pg_current_snapshot());
  IF chain.sealed_before > pg_snapshot_xmax(pg_current_snapshot()) THEN
    -- Restored into a cluster that counts transactions anew: the stored numbers say nothing here.
    LOCK TABLE lockstep.audit_event IN SHARE ROW EXCLUSIVE MODE;
    WITH pending AS (
      SELECT e.id, lockstep.audit_digest(e) AS digest FROM lockstep.audit_event e
      WHERE NOT EXISTS (SELECT FROM lockstep.audit_seal s WHERE s.event_id = e.id))
    INSERT INTO lockstep.audit_seal (position, event_id, hash)
    SELECT chain.head_position + row_number() OVER w, id,
      lockstep.audit_links(chain.head_hash, digest) OVER w
    FROM pending WINDOW w AS (ORDER BY id);
    GET DIAGNOSTICS sealed = ROW_COUNT;
  ELSE
    WITH pending AS (
      SELECT e.id, e.xid, lockstep.audit_digest(e) AS digest FROM lockstep.audit_event e
      WHERE e.xid >= chain.sealed_before AND e.xid < horizon
        AND NOT EXISTS (SELECT FROM lockstep.audit_seal s WHERE s.event_id = e.id)
      ORDER BY e.xid, e.id
      LIMIT batch)
    INSERT INTO lockstep.audit_seal (position, event_id, hash)
    SELECT chain.head_position + row_number() OVER w, id,
      lockstep.audit_links(chain.head_hash, digest) OVER w
    FROM pending WINDOW w AS (ORDER BY xid, id);
    GET DIAGNOSTICS sealed = ROW_COUNT;
    IF sealed = batch THEN
      SELECT e.xid INTO horizon FROM lockstep.audit_event e JOIN lockstep.audit_seal s
        ON s.event_id = e.id WHERE s.position = chain.head_position + sealed;
    END IF;
  END IF;
  IF sealed > 0 OR horizon <> chain.sealed_before THEN
    UPDATE lockstep.audit_chain SET sealed_before = horizon,
      head_position = chain.head_position + sealed,
      head_hash = coalesce((SELECT s.hash FROM lockstep.audit_seal s
        WHERE s.position = chain.head_position + sealed), chain.head_hash);
  END IF;
  RETURN sealed;
END $$;

-- Removes the oldest events of the chain, at most "batch", while they are older than "cutoff", and
-- returns how many. The chain then begins at the link after them, which an event records.
CREATE FUNCTION lockstep.audit_purge(cutoff timestamptz, batch integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  chain lockstep.audit_chain;
  anchor record;
  broken bigint;
  purged integer;
BEGIN
  PERFORM pg_advisory_xact_lock(${chainLock});
  SELECT * INTO chain FROM lockstep.audit_chain;
  IF cutoff > now() - chain.retention_floor THEN
    RAISE EXCEPTION 'audit events younger than % are kept', chain.retention_floor
      USING ERRCODE = 'check_violation';
  END IF;
  WITH link AS (
    SELECT s.position, s.hash, coalesce(e.at < cutoff, true) AS old,
      coalesce(s.hash = sha256(lag(s.hash, 1, chain.anchor_hash) OVER (ORDER BY s.position)
        || lockstep.audit_digest(e)), false) AS sound
    FROM lockstep.audit_seal s LEFT JOIN lockstep.audit_event e ON e.id = s.event_id
    WHERE s.position > chain.anchor_position AND s.position <= chain.anchor_position + batch
  ), oldest AS (
    SELECT l.*, bool_and(l.old) OVER (ORDER BY l.position) AS removable FROM link l
  )
  SELECT max(position) AS position, min(position) FILTER (WHERE NOT sound) AS broken
  INTO anchor FROM oldest WHERE removable;
  -- Removing them would remove the evidence.
  IF anchor.broken IS NOT NULL THEN
    RAISE EXCEPTION 'the chain of audit events is broken at position %', anchor.broken
      USING ERRCODE = 'data_corrupted';
  END IF;
  IF anchor.position IS NULL THEN
    RETURN 0;
  END IF;
  UPDATE lockstep.audit_chain SET anchor_position = anchor.position,
    anchor_hash = (SELECT s.hash FROM lockstep.audit_seal s WHERE s.position = anchor.position);
  DELETE FROM lockstep.audit_event e USING lockstep.audit_seal s
    WHERE s.event_id = e.id AND s.position <= anchor.position;
  GET DIAGNOSTICS purged = ROW_COUNT;
  DELETE FROM lockstep.audit_seal s WHERE s.position <= anchor.position;
  PERFORM lockstep.audit_record('purge', 'lockstep.AuditEvent', NULL, jsonb_build_object(
    'events', purged, 'position', anchor.position, 'hash', (SELECT encode(anchor_hash, 'hex')
      FROM lockstep.audit_chain)), NULL);
  RETURN purged;
END $$;

-- Refuses a change unless the named function makes it. A setting could be set by anybody.
CREATE FUNCTION lockstep.audit_guard() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  context text;
BEGIN
  GET DIAGNOSTICS context = PG_CONTEXT;
  -- Up to a quote, because a line of the context may quote a statement that contains the name.
  IF context !~ ('(?n)^[^"]*lockstep\\.(' || TG_ARGV[0] || ')\\(') THEN
    RAISE EXCEPTION 'lockstep.% cannot be altered: % is refused', TG_TABLE_NAME, TG_OP
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER guard BEFORE UPDATE OR DELETE OR TRUNCATE ON lockstep.audit_event
  FOR EACH STATEMENT EXECUTE FUNCTION lockstep.audit_guard('audit_purge');
CREATE TRIGGER guard BEFORE UPDATE OR DELETE OR TRUNCATE ON lockstep.audit_seal
  FOR EACH STATEMENT EXECUTE FUNCTION lockstep.audit_guard('audit_purge');
CREATE TRIGGER guard BEFORE UPDATE OF anchor_position, anchor_hash, head_position, head_hash,
    sealed_before OR DELETE OR TRUNCATE ON lockstep.audit_chain
  FOR EACH STATEMENT
  EXECUTE FUNCTION lockstep.audit_guard('audit_purge|audit_seal_pending');
ALTER TABLE lockstep.audit_event ENABLE ALWAYS TRIGGER guard;
ALTER TABLE lockstep.audit_seal ENABLE ALWAYS TRIGGER guard;
ALTER TABLE lockstep.audit_chain ENABLE ALWAYS TRIGGER guard;

-- An event's row as the table would hold it now; nothing when the table no longer takes it.
CREATE FUNCTION lockstep.audit_row(base anyelement, value jsonb) RETURNS SETOF anyelement
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
  IF value IS NOT NULL THEN
    RETURN NEXT jsonb_populate_record(base, value);
  END IF;
EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
  RETURN;
END $$;

REVOKE EXECUTE ON FUNCTION lockstep.audit_trigger(), lockstep.audit_seal_pending(integer),
  lockstep.audit_purge(timestamptz, integer),
  lockstep.audit_record(text, text, jsonb, jsonb, integer) FROM PUBLIC;

INSERT INTO lockstep.audit_table (table_schema, table_name, model, config)
SELECT 'lockstep', name, 'lockstep.' || model, jsonb_build_object('model', 'lockstep.' || model,
  'key', '["id"]'::jsonb, 'ignore', '["updated_at"]'::jsonb) || config::jsonb
FROM (VALUES
  ('organization', 'Organization', '{"tenant": "id"}'),
  -- "restore" is what a masked column gets when a deleted row comes back: no password fits "!".
  ('app_user', 'AppUser', '{"ignore": ["updated_at", "last_login"],
    "mask": {"password": "[secret]"}, "restore": {"password": "!"}}'),
  ('auth_group', 'AuthGroup', '{}'),
  ('user_organization', 'UserOrganization', '{"tenant": "organization_id"}'),
  ('model_permission', 'ModelPermission', '{"tenant": "organization_id"}'),
  ('data_filter', 'DataFilter', '{"tenant": "organization_id"}'),
  ('sync_configuration', 'SyncConfiguration', '{"key": ["section", "key"],
    "mask": {"value": "[secret]"}, "maskWhenKey": "secret|password|private|credential"}'),
  ('device', 'Device', '{"tenant": "organization_id", "operations": ["UPDATE", "DELETE", "TRUNCATE"],
    "ignore": ["client_version", "last_seen_at", "last_push_at", "last_pull_at", "last_complete_at",
      "last_error", "last_error_at", "cursors"]}'),
  ('quarantine', 'Quarantine', '{"tenant": "organization_id",
    "operations": ["UPDATE", "DELETE", "TRUNCATE"]}'),
  ('audit_table', 'AuditTable', '{"key": ["table_schema", "table_name"], "ignore": ["enabled_at"]}')
) AS t (name, model, config);
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY(SELECT t.table_name FROM lockstep.audit_table t) LOOP
    PERFORM lockstep.audit_attach(format('lockstep.%I', name)::regclass);
  END LOOP;
END $$;
`;

export const down = `
DROP VIEW lockstep.audit_attached;
DROP FUNCTION lockstep.audit_trigger() CASCADE;
DROP FUNCTION lockstep.audit_attach(regclass), lockstep.audit_context(),
  lockstep.audit_key(jsonb, text[]), lockstep.audit_compound_key(jsonb, text[]),
  lockstep.audit_organization(jsonb, text),
  lockstep.audit_mask(jsonb, jsonb, text), lockstep.audit_seal_pending(integer),
  lockstep.audit_purge(timestamptz, integer),
  lockstep.audit_record(text, text, jsonb, jsonb, integer), lockstep.audit_row(anyelement, jsonb),
  lockstep.audit_digest(lockstep.audit_event);
DROP AGGREGATE lockstep.audit_links(bytea, bytea);
DROP FUNCTION lockstep.audit_link(bytea, bytea, bytea);
DROP TABLE lockstep.audit_table, lockstep.audit_chain, lockstep.audit_seal, lockstep.audit_event;
DROP FUNCTION lockstep.audit_guard();
`;
