import type { Attributes } from '../core/attributes.js'

/** An account, without its password hash. */
export interface User {
  readonly id: string
  readonly email: string
  readonly roles: readonly string[]
  readonly disabled: boolean
  readonly createdAt: number
  /** When the owner last proved to receive the mail of `email`; null if never. */
  readonly emailVerifiedAt: number | null
  /** The language of mails (RFC 5646); null for the default. */
  readonly locale: string | null
  readonly attributes: Attributes
}

/**
 * The part of an account that its sessions and tokens need. `attributes` is empty where no setting puts any into a token:
 * they are not read then.
 */
export type SessionUser = Omit<User, 'emailVerifiedAt' | 'locale'>

export interface UserWithPassword extends User {
  /** A hash that no password has (`hasPassword`) is an account without a password. */
  readonly passwordHash: string
  /** Whether it was registered, waits until its address is confirmed, and is not disabled. */
  readonly awaitsConfirmation: boolean
}
