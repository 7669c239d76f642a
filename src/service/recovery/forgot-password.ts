import { readEmail } from '../../core/email.js'
import { noResetMailLimit, resetMailLimit } from '../../core/rate-limits.js'
import type { Actor, AddressedUser, Ports } from '../../ports/index.js'
import { newMail, requireMail } from '../mail/new-mail.js'
import { type LinkPorts, makeLink } from '../mail/one-time-links.js'
import { mailboxKey, mailboxOf } from '../mail/verification-mail.js'

/**
 * Mails a link for a new password to the owner of an address. For an address without an account, and above the limit of
 * mails, it writes as many rows that do nothing, so neither the answer nor its time shows who has an account
 * (ASVS 6.3.8). The mail is sent later, so a slow mail server delays no answer.
 */
export async function forgotPassword(
  ports: LinkPorts & Pick<Ports, 'users' | 'links' | 'mail' | 'rateLimits' | 'decisions'>,
  emailText: string,
  actor: Actor
): Promise<void> {
  requireMail(ports)
  const email = readEmail(emailText)
  const user = email && (await ports.users.findByEmail(email))
  const address = user && email ? mailboxOf(user, email) : ''
  const key = user ? mailboxKey(address) : (email?.key ?? emailText)
  const { granted } = await ports.rateLimits.use({ limit: user ? resetMailLimit : noResetMailLimit, key })
  const silence = user === undefined ? 'unknown_email' : granted ? undefined : 'limited'

  const recipient = user ?? nobody(ports.entropy.uuid())
  const purpose = 'password_reset'
  const { link } = makeLink(ports, { purpose, userId: recipient.id, address, boundTo: recipient, mailed: true })
  const mail = newMail(ports, recipient, { kind: purpose, parameters: {}, linkId: link.id, recipient: address })
  const event = { type: 'password_reset_requested', userId: user?.id, reason: silence } as const
  await ports.links.create({ link, mail, event, pretend: silence !== undefined }, actor)
  // Also for nobody, so that what the sender does next does not show the difference.
  ports.mail.wake()
  ports.decisions.note('password_reset', silence ?? 'requested', { userId: user?.id })
}

/** Stands for the account that an address does not have. */
const nobody = (id: string): Pick<AddressedUser, 'id' | 'email' | 'passwordHash' | 'locale'> => ({
  id,
  email: '',
  passwordHash: '',
  locale: null
})
