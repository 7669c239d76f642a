import { Histogram, type Metric } from 'prom-client'

export interface BatchSizes {
  /** Notes how many refreshes share a statement. */
  note(size: number): void
  /** To be added to a registry. */
  readonly metrics: readonly Metric[]
}

/** Measures how many refreshes share a statement. */
export function batchSizes(): BatchSizes {
  const sizes = new Histogram({
    name: 'latchkey_refresh_batch_size',
    help: 'How many refreshes shared a statement.',
    // REFRESH_BATCH_SIZE is at most 1000.
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    registers: []
  })
  return { metrics: [sizes], note: (size) => sizes.observe(size) }
}
