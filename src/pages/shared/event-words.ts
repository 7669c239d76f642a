import type { EndedReason } from '../../core/vocabulary.js'
import type { EventType } from '../../ports/events.js'

const ended: Readonly<Record<EndedReason, string>> = {
  logged_out: 'signed out on the device itself',
  revoked_by_user: 'ended from another device of the same person',
  revoked_by_admin: 'ended by an administrator',
  reuse_detected: 'ended because an old copy of its credential was used, as after a theft',
  password_changed: 'ended because the password was changed',
  user_disabled: 'ended because the account was disabled',
  session_limit: 'ended because there were too many devices, and this was the oldest',
  idle_timeout: 'ended because it was not used for long',
  absolute_timeout: 'ended because its time was up'
}

/** Why a session ended. A reason that is newer than this page stands for itself. */
export function reasonWords(reason: string | null | undefined): string {
  return reason ? (ended[reason as EndedReason] ?? reason.replaceAll('_', ' ')) : ''
}

const signedOut: Readonly<Record<EndedReason, string>> = {
  logged_out: 'You are signed out.',
  revoked_by_user: 'You were signed out here from another of your devices.',
  revoked_by_admin: 'You were signed out by an administrator.',
  reuse_detected:
    'You were signed out because an old copy of this device’s credential was used: somebody may have stolen it. Sign in, and change your password if you do not know one of the devices.',
  password_changed: 'You were signed out because your password was changed on another device.',
  user_disabled: 'You were signed out because this account is disabled.',
  session_limit: 'You were signed out here because you signed in on too many other devices.',
  idle_timeout: 'You were signed out because this device was not used for long.',
  absolute_timeout: 'You were signed out because every sign-in ends after some time.'
}

/** What to tell whoever was signed out without asking for it. */
export function signedOutWords(reason: string | undefined): string {
  return signedOut[reason as EndedReason] ?? 'You were signed out. Please sign in again.'
}

const events: Readonly<Record<EventType, string>> = {
  user_registered: 'Account made',
  login_succeeded: 'Signed in',
  login_failed: 'Sign-in refused',
  session_ended: 'Signed out',
  refresh_recovered: 'A lost answer was made good',
  refresh_restored: 'Carried on after a restore of the database',
  password_changed: 'Password changed',
  password_refused: 'A wrong current password was given',
  user_disabled: 'Account disabled',
  user_enabled: 'Account enabled',
  user_deleted: 'Account deleted',
  roles_changed: 'Roles changed',
  everybody_revoked: "Everybody's sessions ended",
  signing_key_rotated: 'Signing key rotated'
}

/** What happened. An event that is newer than this page stands for itself. */
export function eventWords(type: string): string {
  return events[type as EventType] ?? type.replaceAll('_', ' ')
}
