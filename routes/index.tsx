import { page } from "fresh";
import CopyButton from "../islands/CopyButton.tsx";
import ThemeSwitch from "../islands/ThemeSwitch.tsx";
import { type Membership, membershipsOf, type Principal } from "../lib/access/mod.ts";
import type { Health } from "../lib/observe/mod.ts";
import { AccountMenu, Badge, Icon, PublicFrame } from "../lib/ui/mod.ts";
import { define, mayEnterAdmin, requestOrigin, version } from "../lib/web/mod.ts";

interface Status {
  health: Health;
  api: string;
  signedIn?: Visitor;
}

interface Visitor {
  user: Principal;
  memberships: Membership[];
  models: number;
  mayAdminister: boolean;
}

export const handler = define.handlers({
  async GET(ctx) {
    const { services, user } = ctx.state;
    ctx.state.title = "Status";
    const [health, signedIn] = await Promise.all([services.health(), user && visitor(user)]);
    return page<Status>({ health, api: `${requestOrigin(ctx)}/api/sync/`, signedIn }, {
      headers: { "Cache-Control": "no-store" },
    });

    async function visitor(user: Principal): Promise<Visitor> {
      const memberships = await membershipsOf(services.db, user);
      const { models } = await services.catalog.current();
      return {
        user,
        memberships,
        models: models.filter(({ enabled }) => enabled).length,
        mayAdminister: mayEnterAdmin(user, memberships),
      };
    }
  },
});

const parts: [keyof Health["checks"], string][] = [
  ["database", "Database"],
  ["cache", "Cache"],
  ["logging", "Logging"],
  ["memory", "Memory"],
];

export default define.page<typeof handler>(function StatusPage({ data }) {
  const { health, api, signedIn } = data;
  const healthy = health.status === "healthy";
  return (
    <PublicFrame
      topbarEnd={
        <>
          <ThemeSwitch />
          {signedIn
            ? <AccountMenu username={signedIn.user.username} />
            : <a class="btn btn-primary" href="/login">Sign in</a>}
        </>
      }
    >
      <p class="status-line">
        <Badge kind={healthy ? "success" : "danger"}>{healthy ? "Healthy" : "Unhealthy"}</Badge>
        <span>Version {version}</span>
      </p>
      <h1>{healthy ? "This server is ready to sync" : "This server has trouble"}</h1>
      <p class="lead-text">
        Lockstep keeps applications and a PostgreSQL database in step: they push and pull rows over
        HTTP, and everybody sees only their own organization's.
      </p>
      {signedIn && <Own {...signedIn} />}
      <h2>Health</h2>
      <dl class="facts">
        {parts.map(([name, label]) => (
          <div>
            <dt>{label}</dt>
            <dd>
              <CheckBadge check={health.checks[name]} />
            </dd>
          </div>
        ))}
      </dl>
      <h2>API</h2>
      <div class="address">
        <code>{api}</code>
        <CopyButton text={api} label="the API's address" />
      </div>
      <p class="form-text">
        Applications sign in at <code>auth/token/</code> below this address, and monitors ask{" "}
        <a href="/api/sync/health/">health/</a>.
      </p>
    </PublicFrame>
  );
});

function CheckBadge({ check }: { check: string }) {
  if (check === "healthy") return <Badge kind="success">Healthy</Badge>;
  const reason = check.replace(/^unhealthy: /, "");
  return <Badge kind="danger">{reason[0].toUpperCase() + reason.slice(1)}</Badge>;
}

function Own({ user, memberships, models, mayAdminister }: Visitor) {
  return (
    <>
      <h2>Your organizations</h2>
      <p>
        You are signed in as {user.username}.{" "}
        {models === 1 ? "1 model is" : `${models.toLocaleString("en")} models are`} synced here.
      </p>
      {memberships.length === 0
        ? <p>You are not a member of any. Ask an administrator to add you to one.</p>
        : (
          <ul class="plain-list">
            {memberships.map(({ organization, groups }) => (
              <li>
                <strong>{organization.name}</strong> <code>{organization.slug}</code>
                <span>
                  {groups.map(({ name }) => name).join(", ") ||
                    (user.isSuperuser ? "As superuser" : "As staff")}
                </span>
              </li>
            ))}
          </ul>
        )}
      {mayAdminister && (
        <a class="btn btn-primary" href="/admin">
          <Icon name="speedometer2" /> Open the admin
        </a>
      )}
    </>
  );
}
