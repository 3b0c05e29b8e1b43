import { page } from "fresh";
import { requireAll } from "../../../lib/access/mod.ts";
import {
  type AuditStatus,
  auditStatus,
  type Verification,
  verifyAudit,
} from "../../../lib/audit/mod.ts";
import { Alert, Badge, Field, Icon, PageHeader, Table } from "../../../lib/ui/mod.ts";
import { define, knownHead, readForm } from "../../../lib/web/mod.ts";

interface Verify {
  tables: AuditStatus[];
  result?: Verification;
}

const path = "/admin/audit/verify";

export const handler = define.handlers({
  async GET(ctx) {
    requireAll(ctx.state.admin!.scope);
    ctx.state.title = "Verify the audit trail";
    return page<Verify>({ tables: await auditStatus(ctx.state.services.db) });
  },
  async POST(ctx) {
    requireAll(ctx.state.admin!.scope);
    ctx.state.title = "Verify the audit trail";
    const { db } = ctx.state.services;
    const result = await verifyAudit(db, knownHead(await readForm(ctx.req)));
    return page<Verify>({ tables: await auditStatus(db), result });
  },
});

export default define.page<typeof handler>(function VerifyPage({ data: { tables, result } }) {
  return (
    <div class="page-narrow">
      <PageHeader
        place={[{ label: "Trust" }, { label: "Audit trail", href: "/admin/audit" }]}
        title="Verify the audit trail"
        description="Each change carries a hash of itself and of the one before. If one was altered or removed later, the chain shows where."
      />
      {result && <Result result={result} />}
      <form method="post" action={path}>
        <Field
          name="known"
          label="A head that you kept"
          value={result ? `${result.head.position} ${result.head.hash}` : undefined}
          hint="Position and hash, as this page showed them before. With it, a chain that was written anew as a whole is found out too. May be left empty."
          autocomplete="off"
        />
        <button type="submit" class="btn btn-primary">
          <Icon name="link-45deg" /> Verify every change
        </button>
      </form>
      <section>
        <h2>Audited tables</h2>
        <Table label="Audited tables" head={["Model", "State"]}>
          {tables.map(({ modelName, state, message }) => (
            <tr>
              <td class="cell-text">
                {modelName}
                {message && <small class="d-block">{message}</small>}
              </td>
              <td>
                {state === "active"
                  ? <Badge kind="success">Audited</Badge>
                  : <Badge kind="danger">{states[state]}</Badge>}
              </td>
            </tr>
          ))}
        </Table>
      </section>
    </div>
  );
});

const states: Record<AuditStatus["state"], string> = {
  active: "Audited",
  incomplete: "Incomplete",
  disabled: "Switched off",
  gone: "Gone",
};

function Result({ result: { problem, verified, pending, head } }: { result: Verification }) {
  const changes = (count: number) =>
    `${count.toLocaleString("en")} ${count === 1 ? "change" : "changes"}`;
  if (problem) {
    return (
      <Alert kind="danger" title="The trail is not what was written">
        {problem.message}
        {problem.position !== null && ` At position ${problem.position} of the chain.`}
      </Alert>
    );
  }
  return (
    <Alert kind="success" title={`${changes(verified)} verified: the trail is intact.`}>
      {pending > 0 && <p class="mb-1">{`${changes(pending)} not sealed yet.`}</p>}
      <p class="mb-0">
        Keep this head elsewhere: <code class="text-break">{`${head.position} ${head.hash}`}</code>
      </p>
    </Alert>
  );
}
