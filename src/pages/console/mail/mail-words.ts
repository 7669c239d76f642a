import type { MailState, NewMail } from '../../../ports/mail.js'

type MailKind = NewMail['kind']

const kinds: Readonly<Record<MailKind, string>> = {
  password_reset: 'Link for a new password',
  email_verification: 'Link that confirms the address',
  account_exists: 'Says that the address has an account already',
  unverified_account_exists: 'Says the same, with a link that confirms the address',
  email_change: 'Link that confirms a new address',
  email_added: 'Link that confirms the first address of an account',
  email_changed: 'Says that the address was changed, with a link that undoes it',
  email_removed: 'Says that the account has this address no more',
  invitation: 'Invitation',
  password_was_reset: 'Says that the password was reset',
  password_changed: 'Says that the password was changed',
  new_device: 'Says that a new device signed in',
  factor_changed: 'Says that a second factor was changed',
  theft_detected: 'Says that a stolen token was caught',
  account_disabled: 'Says that the account is disabled'
}

/** What a mail is for. A kind that this page does not know is shown as it is. */
export function mailWords(kind: string): string {
  return kinds[kind as MailKind] ?? kind.replaceAll('_', ' ')
}

/** `label` is the badge of a mail, and `hint` explains the state. */
export const stateWords: Readonly<Record<MailState, { readonly label: string; readonly hint: string }>> = {
  pending: { label: 'Waiting', hint: 'to be sent, or to be tried again' },
  sent: { label: 'Sent', hint: 'accepted by the mail server' },
  bounced: { label: 'Bounced', hint: 'refused for good by the mail server' },
  given_up: { label: 'Given up', hint: 'not sent within a day' },
  dropped: { label: 'Dropped', hint: 'not sent: its link was used or is dead, or there were too many mails' }
}
