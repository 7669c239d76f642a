/** The database's clock, as well as this process can tell it without asking. */
export interface Clock {
  now(): number
  sleep(milliseconds: number): Promise<void>
}

/** Randomness fit for secrets. */
export interface Entropy {
  bytes(length: number): Uint8Array
  uuid(): string
}

/** SHA-256, in lower-case hex. */
export type Digest = (data: Uint8Array | string) => string

/** Whether what we stand on can serve: the database answers and a signing key is at hand. Throws `Unavailable` otherwise. */
export type Readiness = () => Promise<void>

/** Who we are in our tokens. */
export interface Identity {
  readonly issuer: string
  readonly audience: string
}
