import type { HubContext } from "./context.ts";
import type { UserEvent } from "./events.ts";
import { StoreUnavailable } from "./store.ts";

interface Watched {
  /** Connections of the user in this process. */
  count: number;
  subscription: Promise<() => Promise<void>>;
}

/** What is told to all tabs of a person, in all processes. */
export class UserChannels {
  #context: HubContext;
  #hear: (userId: number, event: UserEvent) => void;
  #watched = new Map<number, Watched>();

  /** `hear` tells the tabs of this process. */
  constructor(context: HubContext, hear: (userId: number, event: UserEvent) => void) {
    this.#context = context;
    this.#hear = hear;
  }

  /** Counts one more connection of the user. */
  watch(userId: number): void {
    const watched = this.#watched.get(userId);
    if (watched) watched.count++;
    else this.#watched.set(userId, { count: 1, subscription: this.#subscribe(userId) });
  }

  /** Counts one less. */
  async unwatch(userId: number): Promise<void> {
    const watched = this.#watched.get(userId);
    if (!watched || --watched.count > 0) return;
    this.#watched.delete(userId);
    await end(watched);
  }

  async tell(userId: number, event: UserEvent): Promise<void> {
    this.#hear(userId, event);
    const { store, process } = this.#context;
    try {
      await store.publish(channelOf(userId), JSON.stringify({ origin: process, event }));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  /** Makes the subscriptions that the store could not take while it was away. */
  async resubscribe(): Promise<void> {
    for (const [userId, watched] of [...this.#watched]) {
      if (await watched.subscription.then(() => true, () => false)) continue;
      // The last of the user's connections may have gone meanwhile.
      if (this.#watched.get(userId) === watched) watched.subscription = this.#subscribe(userId);
    }
  }

  async close(): Promise<void> {
    for (const watched of this.#watched.values()) await end(watched);
  }

  #subscribe(userId: number): Watched["subscription"] {
    const { store, process } = this.#context;
    const subscription = store.subscribe(channelOf(userId), (message) => {
      const { origin, event } = JSON.parse(message) as { origin: string; event: UserEvent };
      if (origin !== process) this.#hear(userId, event);
    });
    // Without the store, the subscription is made when it returns.
    subscription.catch(() => {});
    return subscription;
  }
}

const channelOf = (userId: number) => `user:${userId}`;

async function end({ subscription }: Watched): Promise<void> {
  await (await subscription.catch(() => undefined))?.();
}
