import type { Revocation, RevocationSet } from '../core/revocation-set.js'

/** The live revocations that this process knows. */
export interface Revocations extends Pick<RevocationSet, 'issuableFrom' | 'entryAgainst'> {
  /**
   * Why an access token with a good signature must be refused; undefined if it is good. No I/O. Throws `Unavailable` if
   * the feed is stale and the settings then deny.
   */
  readonly refuses: RevocationSet['refuses']
  /** Whether the settings say that access tokens are refused while the feed is stale. */
  readonly deniesWhenStale: boolean
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
  /** How often the log had lost or replaced entries that this process knew, as after a failover. */
  readonly resets: number
  /** How many lost entries this process has written again. */
  readonly restored: number
}

/** A span of time in which an id of the log means one entry. A failover can end it: the new server gives ids again. */
export interface FeedEpoch {
  /** Letters, digits, `-` and `_`; unique, also among the processes. */
  readonly name: string
  /** Aborts when the epoch ends. */
  readonly over: AbortSignal
}

/** The feed of revocations from all instances. */
export interface RevocationFeed {
  /** The current epoch. */
  epoch(): FeedEpoch
  /**
   * The live entries that this process has learned of after the one with the id `after`; all, if that is undefined or
   * unknown. The id belongs to the current epoch. Throws `Unavailable` if the newest entries cannot be read.
   */
  read(after: bigint | undefined): Promise<readonly Revocation[]>
  /** Calls `follower` with each entry once, as this process learns of it; returns a function that stops this. */
  follow(follower: (revocations: readonly Revocation[]) => void): () => void
  state(): FeedState
}

/** The revocations that the database keeps. */
export interface RevocationLog {
  /**
   * All entries that were live and committed when the call began, and perhaps later ones: in order of their ids, page by
   * page, so that no reader stops its event loop for long.
   */
  live(): AsyncIterable<readonly Revocation[]>
  /** The live entries with an id above `id`, and those with one of `ids`, in order of their ids. */
  after(id: bigint, ids: readonly bigint[]): Promise<Revocation[]>
  /**
   * Writes lost entries again, each unless the log has it: with the same session, reason and times, and a new id. Deletes
   * the sessions that they end, and writes a `session_ended` event for each. Instances may do it at the same time.
   * Returns the entries that it has written.
   */
  restore(lost: readonly Revocation[]): Promise<Revocation[]>
  /** Ends all sessions that existed when `revocation`, an entry without `sid`, was written. Their rows go later. */
  endSessionsUntil(revocation: Revocation): Promise<void>
}

/** A statement that writes a revocation commits within this time after it begins, or fails. */
export const maxCommitSeconds = 60
