import type { Attributes } from '../core/attributes.js'

/** An account, without its password hash. */
export interface User {
  readonly id: string
  /** Null for a person of a host (`externalId`) that vouched for no address, until the person adds one. */
  readonly email: string | null
  /** Who the person is to the host that proves their identity; null for other accounts. */
  readonly externalId: string | null
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
 * The part of an account that its sessions and tokens need. `attributes` is empty, and `externalId` null, where no setting
 * makes claims of them: they are not read then.
 */
export type SessionUser = Omit<User, 'emailVerifiedAt' | 'locale'>

export interface UserWithPassword extends User {
  /** A hash that no password has (`hasPassword`) is an account without a password. */
  readonly passwordHash: string
  /** Whether it was registered, waits until its address is confirmed, and is not disabled. */
  readonly awaitsConfirmation: boolean
}

/** An account with an address, as each that was found by its address. */
export interface AddressedUser extends UserWithPassword {
  readonly email: string
}

export const hasAddress = (user: UserWithPassword): user is AddressedUser => user.email !== null
