import type { Email } from '../core/email.js'
import type { Revocation } from '../core/revocation-set.js'
import type { EndedReason } from '../core/vocabulary.js'
import type { Actor } from './events.js'
import type { Page, PageRequest } from './paging.js'

/** A person's account, without what proves it. */
export interface User {
  readonly id: string
  readonly email: string
  readonly roles: readonly string[]
  readonly disabled: boolean
  readonly createdAt: number
}

export interface UserWithPassword extends User {
  readonly passwordHash: string
}

interface NewUser {
  readonly id: string
  readonly email: Email
  readonly passwordHash: string
  readonly roles: readonly string[]
}

export interface UserStore {
  /** Adds the user; 'email_taken' where an account with that e-mail key exists, however many ask at once. Writes `user_registered`. */
  create(user: NewUser, actor: Actor): Promise<User | 'email_taken'>
  find(id: string): Promise<UserWithPassword | undefined>
  findByEmail(emailKey: string): Promise<UserWithPassword | undefined>
  /** Newest first; `emailPrefix` is the beginning of an e-mail key. */
  list(filter: { readonly emailPrefix?: string | undefined }, page: PageRequest): Promise<Page<User>>
  /** Whether any user that is not disabled has `role`. */
  anyWithRole(role: string): Promise<boolean>
  /** Puts a stronger hash of the same password in place of `oldHash`; does nothing where the hash is another by now. */
  upgradePasswordHash(id: string, oldHash: string, newHash: string): Promise<void>
  /**
   * Sets a new password and ends every session of the user but `keepSid`, all or nothing; undefined
   * where the hash is no longer `oldHash`. A login that was proved with the old password either
   * committed before and is ended here, or fails. Writes `password_changed` and `session_ended`s.
   */
  changePassword(
    change: { readonly userId: string; readonly oldHash: string; readonly newHash: string; readonly keepSid: string },
    actor: Actor
  ): Promise<readonly Revocation[] | undefined>
  /**
   * Changes roles and the disabled flag. Disabling ends every session; changed roles make the
   * access tokens issued before stale. All or nothing; undefined where there is no such user.
   */
  update(
    id: string,
    change: { readonly disabled?: boolean | undefined; readonly roles?: readonly string[] | undefined },
    actor: Actor
  ): Promise<{ readonly user: User; readonly revocations: readonly Revocation[] } | undefined>
  /** Deletes the user and every session with `reason`, all or nothing; undefined where there is no such user. */
  delete(id: string, reason: EndedReason, actor: Actor): Promise<readonly Revocation[] | undefined>
}
