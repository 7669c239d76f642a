/** What is mailed, what one-time links are for, and when a mail is tried again. */

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** How long each kind of one-time link can be used. The time begins when its mail is sent, or when it is shown. */
export const linkLifeSeconds = {
  password_reset: 30 * minute,
  email_verification: day,
  email_change: day,
  email_undo: 7 * day,
  invitation: 7 * day
} as const satisfies Record<string, number>

/**
 * How long a registration that waits for its confirmation is kept after it was last sent, and after a login was refused
 * because of it. Its mail may take a day, and the link in the mail works for a day.
 */
export const registrationLifeSeconds = 3 * day

/** What a one-time link does. A link of one purpose is nothing anywhere else. */
export type LinkPurpose = keyof typeof linkLifeSeconds

/** The name before the token in the fragment of a link: `https://auth.example.com/account#reset=…`. */
export const linkFragments: Readonly<Record<LinkPurpose, string>> = {
  password_reset: 'reset',
  email_verification: 'verify',
  email_change: 'confirm-email',
  email_undo: 'undo-email',
  invitation: 'invitation'
}

/** The address of the account page that a link leads to. The fragment is never sent to a server (RFC 3986 §3.5). */
export const linkUrl = (accountUrl: string, purpose: LinkPurpose, token: string): string =>
  `${accountUrl}#${linkFragments[purpose]}=${token}`

/** When and where something was done, for a notice: a time in RFC 3339, and what is known of the client. */
const origin = ['at', 'ip', 'user_agent'] as const

/** Every mail, with the parameters that its template can name. A mail with a link also has that. */
export const mailKinds = {
  /** The person, or an admin, asked for a new password. */
  password_reset: { link: 'password_reset', parameters: [] },
  /** Confirm the address of the account. */
  email_verification: { link: 'email_verification', parameters: [] },
  /** Somebody registered an address that has an account already. Goes to the account's owner. */
  account_exists: { parameters: [] },
  /** The same, if the address of that account is not confirmed, so that its owner cannot sign in. */
  unverified_account_exists: { link: 'email_verification', parameters: [] },
  /**
   * Confirm the new address of the account. Goes to the new address. `account` is the present address, masked: a stranger
   * may have asked for another person's address, whose account this then is not.
   */
  email_change: { link: 'email_change', parameters: ['account'] },
  /**
   * The same for an account that has no address yet. Nothing names that account: its owner asked for this mail, and a
   * stranger has nothing to recognize.
   */
  email_added: { link: 'email_change', parameters: [] },
  /** The address was changed. Goes to the first address of the last days, with a link that undoes it. */
  email_changed: { link: 'email_undo', parameters: ['new_email', ...origin] },
  /** The account has this address no more, and nothing brings it back. Says no more: the reader may be a stranger. */
  email_removed: { parameters: ['at'] },
  /** An admin made an account for the person. */
  invitation: { link: 'invitation', parameters: [] },
  /** The password was set by a `password_reset` link. */
  password_was_reset: { parameters: origin },
  password_changed: { parameters: origin },
  /** A client signed in to this account for the first time. */
  new_device: { parameters: ['device', ...origin] },
  /** `change` says what happened to which factor, such as `totp_added`. */
  factor_changed: { parameters: ['change', ...origin] },
  /** An old refresh token was used, so a session was ended. */
  theft_detected: { parameters: ['device', ...origin] },
  /** Without `ip` and `user_agent`, because they would be the admin's. */
  account_disabled: { parameters: ['at'] }
} as const satisfies Record<string, { readonly link?: LinkPurpose; readonly parameters: readonly string[] }>

export type MailKind = keyof typeof mailKinds

/** The parameters of a kind. Null is for what is not known. None may be a token or a password: they are stored. */
export type MailParameters<Kind extends MailKind = MailKind> = Readonly<
  Record<(typeof mailKinds)[Kind]['parameters'][number], string | null>
>

/** A mail that could not be sent is given up after this time. */
export const mailLifeSeconds = day

const pauses = [10, 30, minute, 2 * minute, 5 * minute, 10 * minute, 20 * minute, 30 * minute]

/** The pause after the failed attempt number `attempts`: longer each time, up to an hour. */
export function retryPauseSeconds(attempts: number): number {
  return pauses[attempts - 1] ?? hour
}
