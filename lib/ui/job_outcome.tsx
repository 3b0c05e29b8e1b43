import { Badge } from "./badge.tsx";

const OUTCOMES = {
  running: ["info", "Running"],
  succeeded: ["success", "Succeeded"],
  failed: ["danger", "Failed"],
  timed_out: ["danger", "Timed out"],
  queued: ["neutral", "Waiting"],
  cancelled: ["neutral", "Cancelled"],
} as const;

/** How a run of a job, or a bulk push, went, in a word. */
export function JobOutcome({ outcome }: { outcome: keyof typeof OUTCOMES }) {
  const [kind, word] = OUTCOMES[outcome];
  return <Badge kind={kind}>{word}</Badge>;
}
