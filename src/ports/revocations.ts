import type { IssuedToken, Refusal, Revocation } from '../core/revocation-set.js'

/** The live revocations this process knows of. */
export interface Revocations {
  /**
   * Whether an access token of a genuine signature must be refused all the same. No I/O. Throws
   * `Unavailable` where too little is known of what others have revoked, and the policy is to deny then.
   */
  refuses(token: IssuedToken): Refusal | undefined
  /** The earliest time at which a token of this session can be issued without being refused; 0 where any time will do. */
  issuableFrom(sid: string): number
  /** Takes in entries that this process has just written, and passes them on. */
  announce(revocations: readonly Revocation[]): Promise<void>
}

/** What this process knows of the feed, for health and metrics. */
interface FeedState {
  /** Whether news arrive by push; where they do not, the log is read four times a second. */
  readonly connected: boolean
  /** Whether neither has worked for longer than is safe. */
  readonly stale: boolean
  /** How long ago it was last sure to know everything. */
  readonly lagSeconds: number
  /** Live entries in memory. */
  readonly size: number
}

/** The feed of revocations, whichever instance wrote them. */
export interface RevocationFeed {
  /** The live entries that a reader who has seen `id` may not have seen, or all, in the order of their ids. */
  read(id: bigint | undefined): Promise<readonly Revocation[]>
  /** Tells `follower` every entry as this process learns of it, until the function it returns is called. */
  follow(follower: (revocations: readonly Revocation[]) => void): () => void
  state(): FeedState
}

/** The revocations as the database keeps them, for whoever holds the live ones in memory. */
export interface RevocationLog {
  /** All that have not expired, in the order of their ids. */
  live(): Promise<Revocation[]>
  /** Those that have not expired and whose id is above `id`, in the order of their ids. */
  after(id: bigint): Promise<Revocation[]>
  /**
   * Those that have not expired and that a reader who has seen `id` may not have seen, in the order
   * of their ids. Ids are given out before the commit, so an entry can appear after a later one: what
   * was written shortly before `id` comes again. Where `id` is not there any more, or is one of a
   * database that was restored from an older backup since, all of them come.
   */
  since(id: bigint): Promise<Revocation[]>
}

/** No statement that writes a revocation takes longer than this from its beginning to its commit. */
export const maxCommitSeconds = 60
