import type { Revocation, RevocationSet } from '../core/revocation-set.js'

/** The live revocations that this process knows. */
export interface Revocations extends Pick<RevocationSet, 'issuableFrom'> {
  /**
   * Why an access token with a good signature must be refused; undefined if it is good. No I/O. Throws `Unavailable` if
   * the feed is stale and the settings then deny.
   */
  readonly refuses: RevocationSet['refuses']
  /** Adds entries that this process has just written, and notifies the other instances if there are any. */
  announce(revocations: readonly Revocation[]): Promise<void>
}

/** How well this process follows the feed: for the metrics, the heartbeat of `GET /revocations`, and cached sessions. */
interface FeedState {
  /** Whether notices arrive by push. While they do not, the log is polled four times a second. */
  readonly connected: boolean
  /** Whether push and polling have both failed for longer than is safe. */
  readonly stale: boolean
  /** Seconds since this process last knew every entry. */
  readonly lagSeconds: number
  /** The number of live entries in memory. */
  readonly size: number
}

/** The feed of revocations from all instances. */
export interface RevocationFeed {
  /** The live entries that a reader who has seen `id` may have missed, in order of their ids; without `id`, all. */
  read(id: bigint | undefined): Promise<readonly Revocation[]>
  /** Calls `follower` with each entry once, as this process learns of it; returns a function that stops this. */
  follow(follower: (revocations: readonly Revocation[]) => void): () => void
  state(): FeedState
}

/** The revocations that the database keeps. */
export interface RevocationLog {
  /** All live entries, in order of their ids. */
  live(): Promise<Revocation[]>
  /** The live entries with an id above `id`, in order of their ids. */
  after(id: bigint): Promise<Revocation[]>
  /**
   * The live entries that a reader who has seen `id` may have missed, in order of their ids. An id is assigned before the
   * commit, so an entry can appear after one with a greater id: entries written shortly before `id` are returned again.
   * All entries are returned if `id` is no longer in the log, or if the database was restored from an older backup.
   */
  since(id: bigint): Promise<Revocation[]>
}

/** A statement that writes a revocation commits within this time after it begins, or fails. */
export const maxCommitSeconds = 60
