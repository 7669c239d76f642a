/** The database's clock, as this process knows it without I/O. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  sleep(milliseconds: number): Promise<void>
}

/** Random values that are fit for secrets. */
export interface Entropy {
  bytes(length: number): Uint8Array
  /** A random lower-case UUID. */
  uuid(): string
}

/** SHA-256, in lower-case hex. A text is hashed as UTF-8. */
export type Digest = (data: Uint8Array | string) => string

/**
 * Resolves if requests can be served: the database commits a write, its schema is complete and a signing key is active.
 * Throws `Unavailable` otherwise, after two seconds at the latest. A result can be up to a second old.
 */
export type Readiness = () => Promise<void>

/** The part of a pino logger that is used here. Lines must not contain secrets. */
export type Log = Readonly<Record<'debug' | 'info' | 'warn', (fields: object, message: string) => void>>

/** Runs `work`, and returns its result. What is logged meanwhile because of it goes to `log`, which may be a request's. */
export type LogTo = <T>(log: Log, work: () => T) => T

/** Whom our access tokens come from, and the APIs that accept them. */
export interface Identity {
  /** The `iss` of our tokens: the address at which clients reach us. */
  readonly issuer: string
  /** At least one. */
  readonly audiences: readonly string[]
}
