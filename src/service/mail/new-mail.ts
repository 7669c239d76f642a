import type { MailKind, MailParameters } from '../../core/mail.js'
import type { Actor, NewMail, Ports, User } from '../../ports/index.js'
import { Refused } from '../refused.js'

/** Refuses with `mail_not_configured` if no mail can be sent. */
export function requireMail({ mail }: Pick<Ports, 'mail'>): void {
  if (!mail.isConfigured) throw new Refused('mail_not_configured')
}

/** A person with an address. */
export interface Recipient extends Pick<User, 'id' | 'locale'> {
  readonly email: string
}

/** A mail to the person. Stores write it with the change that it tells of. */
export function newMail<Kind extends MailKind>(
  { entropy }: Pick<Ports, 'entropy'>,
  user: Recipient,
  mail: {
    readonly kind: Kind
    readonly parameters: MailParameters<Kind>
    readonly linkId?: string
    /** Another address than the account's. */
    readonly recipient?: string
  }
): NewMail {
  const { id: userId, email, locale } = user
  // One mail of a union: each kind comes with its own parameters.
  return { id: entropy.uuid(), userId, recipient: email, locale, ...mail } as NewMail
}

/** A mail that only tells of something. Empty if no mail can be sent: the change happens all the same. */
export function notice<Kind extends MailKind>(
  ports: Pick<Ports, 'mail' | 'entropy'>,
  ...[user, mail]: [user: Recipient, mail: Parameters<typeof newMail<Kind>>[2]]
): readonly NewMail[] {
  return ports.mail.isConfigured ? [newMail(ports, user, mail)] : []
}

/** When and from where something was done, for a notice. */
export const originOf = ({ clock }: Pick<Ports, 'clock'>, { ip, userAgent }: Actor) => ({
  at: new Date(clock.now()).toISOString(),
  ip: ip ?? null,
  user_agent: userAgent ?? null
})
