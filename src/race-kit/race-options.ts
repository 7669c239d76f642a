/** What a run is made of. */
export interface RaceOptions {
  /** The instances of the service, each by the address under which its routes stand. */
  readonly urls: readonly [string, ...string[]]
  /** How many sessions race. */
  readonly clients: number
  /** For how long. Signing in before it and settling after it take their own time. */
  readonly seconds: number
  readonly seed: number
  /** The service's `REFRESH_GRACE_SECONDS`, above 0. The shorter it is, the more is tried in the same time. */
  readonly graceSeconds: number
}
