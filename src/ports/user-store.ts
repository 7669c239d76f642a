import type { Attributes } from '../core/attributes.js'
import type { Email } from '../core/email.js'
import type { Profile } from '../core/profile.js'
import type { Revocation } from '../core/revocation-set.js'
import type { EndedReason } from '../core/vocabulary.js'
import type { Actor } from './events.js'
import type { LiveLink, MadeLink, NewLink, NewMail, UndoLink } from './mail.js'
import type { Page, PageRequest } from './paging.js'
import type { AddedSession, Replacement } from './sessions.js'
import type { AddressedUser, User, UserWithPassword } from './users.js'

export interface NewUser extends Pick<UserWithPassword, 'id' | 'passwordHash' | 'roles'> {
  readonly email: Email
  /** Whether the address counts as verified: an admin has entered it. False by default. */
  readonly emailVerified?: boolean
  readonly locale?: string | undefined
}

/** The account of a person whose identity a host proves. */
export interface NewExternalUser extends Omit<NewUser, 'email' | 'emailVerified'> {
  readonly externalId: string
  /** An address of which the host says that the person receives its mail. */
  readonly verifiedEmail?: Email | undefined
}

/** `registered_again`: the address has an account that waits for its confirmation. */
export type UnconfirmedOutcome = 'registered' | 'registered_again' | 'taken'

/** Every change writes its events and notices in the same transaction: all of it happens, or nothing. */
export interface UserStore {
  /**
   * Adds a user and writes `user_registered`. 'email_taken' if the address has an account, also in a race, or if a live
   * link keeps it for another account. With `emailVerified`, an account that waits for its confirmation is deleted first.
   */
  create(user: NewUser, actor: Actor): Promise<User | 'email_taken'>
  /**
   * Adds a user as `create` does, with an external id and, if the host vouches for one, an address. The reason of
   * `user_registered` is `host`. 'external_id_taken' if an account has the external id, also in a race.
   */
  createExternal(user: NewExternalUser, actor: Actor): Promise<User | 'email_taken' | 'external_id_taken'>
  /** Adds a user as `create` does, with a link, the mail that carries it and an event, all or nothing. */
  createWithLink(user: NewUser, made: MadeLink, actor: Actor): Promise<User | 'email_taken'>
  /**
   * Adds a user who must first confirm the address, and notes the registration under its address. `user.passwordHash` is
   * the hash to note, and `earlier` the result of `findRegistration` that it was made from. 'changed', with nothing done,
   * if the address was registered again since then, or a link began to keep it.
   *
   * If the address has an account that waits for its confirmation, nothing of it changes but the password, and that only
   * if it is still `earlier`. Otherwise it gets a hash that no password has: a stranger may have chosen one of the two
   * passwords. Its links stay alive. 'taken', with no account changed, if the account was used, confirmed or disabled
   * before, or if a live link keeps the address for another account.
   *
   * `confirm` returns the link, the mail and the event to write. It gets the account that now has the address, or
   * undefined if only a link keeps the address. Each outcome writes as many rows, so that its time does not show the
   * outcome (ASVS 6.3.8).
   */
  registerUnconfirmed(
    user: NewUser,
    registration: {
      readonly earlier: string | undefined
      readonly confirm: (account: AddressedUser | undefined, outcome: UnconfirmedOutcome) => MadeLink
    },
    actor: Actor
  ): Promise<UnconfirmedOutcome | 'changed'>
  /**
   * The hash of the password with which the address was registered, also if it has another account; a hash that no
   * password has if there were different passwords. Undefined if there is no such registration, if the owner has confirmed
   * it, or if it was deleted after `registrationLifeSeconds`.
   */
  findRegistration(email: Email): Promise<string | undefined>
  /** Keeps the registration of an address, if there is one, for `registrationLifeSeconds` from now. */
  extendRegistration(email: Email): Promise<void>
  find(id: string): Promise<UserWithPassword | undefined>
  /**
   * The user of an address in any spelling. Releases before 0.2 kept two spellings of an internationalized domain apart:
   * if both have an account, each spelling finds its own.
   */
  findByEmail(email: Email): Promise<AddressedUser | undefined>
  findByExternalId(externalId: string): Promise<UserWithPassword | undefined>
  /**
   * The users whose address begins with `emailPrefix` in any case, or all; newest first. A prefix that is an address is
   * found in every spelling of its domain.
   */
  list(filter: { readonly emailPrefix?: string | undefined }, page: PageRequest): Promise<Page<User>>
  /** Whether a user who is not disabled has the role. */
  anyWithRole(role: string): Promise<boolean>
  /**
   * Replaces `oldHash` by a stronger hash of the same password. Does nothing if the user has another hash by now. One-time
   * links stay alive.
   */
  upgradePasswordHash(id: string, oldHash: string, newHash: string): Promise<void>
  /**
   * Sets a new password, replaces the session `replacement.replaces` as `SessionStore.replace` does, and ends the user's
   * other sessions; undefined, with nothing done, if that session has ended or the user's hash is no longer `oldHash`. A
   * simultaneous login with the old password either commits first and is ended here, or fails. Writes `password_changed`
   * for the new session, `session_ended` for each ended one, and the notice `password_changed`.
   */
  changePassword(
    change: {
      readonly userId: string
      readonly oldHash: string
      readonly newHash: string
      readonly replacement: Replacement
    },
    actor: Actor
  ): Promise<AddedSession | undefined>
  /**
   * Sets a new password by a `password_reset` or `invitation` link, which is used up, and ends all sessions of the user
   * with `password_reset`; undefined, with nothing done, if the link is dead, also in a race. Writes `mails` and the
   * event `password_reset`, with the reason `invitation` for such a link. If the link was mailed, the address is
   * verified, and an account that waited gets the spelling `link.address`. It no longer waits for a confirmation, also
   * if an admin has handed the link over: otherwise a stranger's next registration would remove the password.
   */
  resetPassword(
    reset: { readonly link: LiveLink; readonly newHash: string; readonly mails: readonly NewMail[] },
    actor: Actor
  ): Promise<readonly Revocation[] | undefined>
  /**
   * Removes the password, so that only a link gives the account a new one, and ends all sessions of the user. Earlier
   * links die, also one that undoes a change of the address: somebody else may read the old mailbox. Writes
   * `password_removed`.
   */
  removePassword(
    userId: string,
    change: { readonly noPasswordHash: string; readonly reason: EndedReason; readonly note?: string | undefined },
    actor: Actor
  ): Promise<readonly Revocation[]>
  /**
   * Gives the account the verified address of an `email_change` link, which is used up, and writes `email_changed`.
   * 'dead' if the link is dead, also in a race; 'email_taken', with nothing done, if another account has the address, or a
   * live link keeps it for one. An account that waits for its confirmation is deleted.
   *
   * `follow` gets the live `email_undo` link of the account, if there is one, and returns the mails to write and what
   * becomes of that link: 'renew' begins its life anew, 'delete' deletes it, and a new link takes its place. The account
   * has no other `email_undo` link afterwards.
   */
  changeEmail(
    change: {
      readonly link: LiveLink
      readonly email: Email
      readonly follow: (undo: UndoLink | undefined) => {
        readonly undo: NewLink | 'renew' | 'delete'
        readonly mails: readonly NewMail[]
      }
    },
    actor: Actor
  ): Promise<'changed' | 'dead' | 'email_taken'>
  /**
   * Gives the account back the verified address of an `email_undo` link, removes its password, ends all sessions of the
   * user with `revoked_by_user`, and deletes all links of the user. Then writes the link `reset`, if there is one, `mails`,
   * and the events `email_change_undone` and `password_removed`. 'dead' and 'email_taken' as for `changeEmail`.
   */
  undoEmailChange(
    undo: {
      readonly link: LiveLink
      readonly email: Email
      readonly noPasswordHash: string
      readonly reset: NewLink | undefined
      readonly mails: readonly NewMail[]
    },
    actor: Actor
  ): Promise<readonly Revocation[] | 'dead' | 'email_taken'>
  /**
   * Verifies the address by an `email_verification` link. It is used up, and the user's other links of this purpose are
   * deleted. Writes `email_verified`. Returns whether the account waited for its confirmation, and its password hash;
   * undefined, with nothing done, if the link is dead, also in a race. If it waited, it gets the spelling `link.address`.
   */
  verifyEmail(
    link: LiveLink,
    actor: Actor
  ): Promise<{ readonly awaited: boolean; readonly passwordHash: string } | undefined>
  /**
   * Changes the roles, the disabled flag, the attributes and the external id (null removes it), all or nothing; undefined
   * if there is no such user, 'external_id_taken' if another user has the external id, also in a race. Disabling ends
   * every session of the user. Its owner gets the notice `account_disabled` if it was enabled and does not wait for its
   * confirmation. A change of roles, or of attributes or an external id that decide about claims, makes the access tokens
   * that were issued before it stale. 'last_admin', with nothing done, if no admin who is not disabled would be left, also
   * in a race.
   *
   * The attributes become what `change.attributes` returns for them. Changes of one user happen one after the other, so
   * that none is lost. If it throws, nothing is changed, and this rejects with the same error. Writes `attributes_changed`
   * with the names of the changed members as its note, and never their values. Writes `external_id_changed` with the
   * previous external id as its note, so that a wrong link can be undone.
   */
  update(
    id: string,
    change: {
      readonly disabled?: boolean | undefined
      readonly roles?: readonly string[] | undefined
      readonly attributes?: ((attributes: Attributes) => Attributes) | undefined
      readonly externalId?: string | null | undefined
    },
    actor: Actor
  ): Promise<
    | { readonly user: User; readonly revocations: readonly Revocation[] }
    | 'last_admin'
    | 'external_id_taken'
    | undefined
  >
  /** The profile, with `locale`; undefined if there is no such user. */
  findProfile(id: string): Promise<Profile | undefined>
  /**
   * Replaces the profile by what `change` returns for it, and returns that; undefined if there is no such user. Changes
   * of one profile happen one after the other, so that none is lost. If `change` throws, nothing is changed, and this
   * rejects with the same error. Writes `notice_turned_off` with the reason `new_device` if the change does that: a thief
   * who does so before a login on another device leaves this trace.
   */
  changeProfile(id: string, change: (profile: Profile) => Profile, actor: Actor): Promise<Profile | undefined>
  /**
   * Deletes the user with their links and mails, also those that wait, and the registration of their address. Ends the
   * user's sessions with `reason`; undefined if there is no such user. 'last_admin' as for `update`. Writes `user_deleted`
   * with the external id as its note: a host finds its own row by it.
   */
  delete(id: string, reason: EndedReason, actor: Actor): Promise<readonly Revocation[] | 'last_admin' | undefined>
}
