import type { EndedReason, RecoveryReason } from '../../core/vocabulary.js'
import type { EventType } from '../../ports/events.js'

const ended: Readonly<Record<EndedReason, string>> = {
  logged_out: 'signed out on the device itself',
  replaced: 'replaced by a new session on the same device',
  revoked_by_user: 'ended from another device of the same user',
  revoked_by_admin: 'ended by an administrator',
  reuse_detected: 'ended because an old copy of its token was used, so the token may be stolen',
  password_changed: 'ended because the password was changed',
  password_reset: 'ended because the password was reset',
  user_disabled: 'ended because the account was disabled',
  session_limit: 'ended because there were too many devices, and this was the oldest',
  idle_timeout: 'ended because it was not used for a long time',
  absolute_timeout: 'ended because it reached its maximum age'
}

const recovered: Readonly<Record<RecoveryReason, string>> = {
  idempotency_key: 'the device repeated a refresh with its own key',
  recovery: 'accepted once, without the key of the device'
}

const reasons: Readonly<Record<string, string>> = { ...ended, ...recovered }

/** Why an event happened. A reason that this page does not know is shown as it is. */
export function reasonWords(reason: string | null | undefined): string {
  return reason ? (reasons[reason] ?? reason.replaceAll('_', ' ')) : ''
}

const signedOut: Readonly<Record<EndedReason, string>> = {
  logged_out: 'You are signed out.',
  replaced: 'You were signed out here because somebody signed in again in this browser.',
  revoked_by_user: 'You were signed out here from another of your devices.',
  revoked_by_admin: 'You were signed out by an administrator.',
  reuse_detected:
    'You were signed out because an old copy of this device’s token was used. Somebody may have stolen it. Sign in, and change your password if you do not recognize all your devices.',
  password_changed: 'You were signed out because your password was changed on another device.',
  password_reset: 'You were signed out because your password was reset. Sign in with the new one.',
  user_disabled: 'You were signed out because this account is disabled.',
  session_limit: 'You were signed out here because you signed in on too many other devices.',
  idle_timeout: 'You were signed out because this device was not used for a long time.',
  absolute_timeout: 'You were signed out because each sign-in lasts a limited time.'
}

/** The message for a user who did not sign out here. */
export function signedOutWords(reason: string | undefined): string {
  return signedOut[reason as EndedReason] ?? 'You were signed out. Please sign in again.'
}

const events: Readonly<Record<EventType, string>> = {
  user_registered: 'Account created',
  login_succeeded: 'Signed in',
  login_failed: 'Sign-in refused',
  session_ended: 'Signed out',
  refresh_recovered: 'Lost response recovered',
  refresh_restored: 'Continued after a database restore',
  password_changed: 'Password changed',
  password_refused: 'Wrong current password',
  password_reset_requested: 'Password reset requested',
  password_reset_started: 'Password reset started by an administrator',
  password_reset: 'Password reset',
  password_removed: 'Password removed',
  user_invited: 'Invited by an administrator',
  email_verification_requested: 'Confirmation of the address requested',
  email_verified: 'Address confirmed',
  email_change_requested: 'Change of the address requested',
  email_changed: 'Address changed',
  email_change_undone: 'Change of the address undone',
  reauthenticated: 'Password confirmed',
  user_disabled: 'Account disabled',
  user_enabled: 'Account enabled',
  user_deleted: 'Account deleted',
  roles_changed: 'Roles changed',
  everybody_revoked: "Everybody's sessions ended",
  registrations_above_usual: 'More new accounts than usual',
  signing_key_rotated: 'Signing key rotated',
  mail_bounced: 'Mail refused by its server',
  mail_given_up: 'Mail could not be sent'
}

/** What happened. An event type that this page does not know is shown as it is. */
export function eventWords(type: string): string {
  return events[type as EventType] ?? type.replaceAll('_', ' ')
}
