/** Lookups of this process's caches (models, permissions) since its start. */
const counts = { hits: 0, misses: 0 };

/** Counts one lookup of a cache. */
export function countCacheLookup(hit: boolean): void {
  if (hit) counts.hits++;
  else counts.misses++;
}

/** How many lookups found their value, and how many had to make it. */
export function cacheCounts(): { hits: number; misses: number } {
  return { ...counts };
}
