import { registrationLimits } from '../../core/rate-limits.js'
import type { Actor, MadeLink, NewUser, Ports, UnconfirmedOutcome, UserWithPassword } from '../../ports/index.js'
import { type NewPasswordPorts, requireEmail, requireGoodPassword } from '../accounts/account-rules.js'
import { counted } from '../limits.js'
import { newMail } from '../mail/new-mail.js'
import type { LinkPorts } from '../mail/one-time-links.js'
import { mailUse, mayMail, verificationOf } from '../mail/verification-mail.js'
import { sourceOf } from '../password-source.js'
import { Refused } from '../refused.js'
import {
  requireAllowedMode,
  type SessionRequest,
  type SignedIn,
  type StartSessionPorts,
  startSession
} from '../sessions/start-session.js'
import { type DevicePorts, issueDeviceToken } from './known-device.js'

export type RegisterPorts = StartSessionPorts &
  DevicePorts &
  NewPasswordPorts &
  LinkPorts &
  Pick<Ports, 'users' | 'passwords' | 'rateLimits' | 'mail'>

export interface RegisterInput extends SessionRequest {
  readonly email: string
  readonly password: string
  /** The language of mails (RFC 5646). */
  readonly locale?: string | undefined
}

/** Creates an account without roles, and its first session. With `EMAIL_VERIFICATION=optional` it also mails a link. */
export async function register(ports: RegisterPorts, input: RegisterInput, actor: Actor): Promise<SignedIn> {
  const account = await admit(ports, input, actor, (user) => create(ports, user, actor))
  ports.decisions.note('registration', account === 'email_taken' ? account : 'succeeded')
  if (account === 'email_taken') throw new Refused('email_taken')

  const { id: userId, passwordHash } = account
  const proved = { userId, passwordHash, amr: ['pwd'] }
  const credentials = await startSession(ports, proved, input, { ...actor, userId })
  return { ...credentials, deviceToken: issueDeviceToken(ports, userId, undefined) }
}

async function create(ports: RegisterPorts, user: NewUser, actor: Actor): Promise<NewUser | 'email_taken'> {
  const { address } = user.email
  const isMailed =
    ports.policy.emailVerification === 'optional' && ports.mail.isConfigured && (await mayMail(ports, address))
  const made = isMailed
    ? await ports.users.createWithLink(user, verificationOf(ports, recipientOf(user)), actor)
    : await ports.users.create(user, actor)
  if (isMailed) ports.mail.wake()
  if (made !== 'email_taken') return user
  // No mail was sent. If it counted, strangers could use up the mails of the owner.
  if (isMailed) await ports.rateLimits.undo(mailUse(address))
  return made
}

/**
 * Creates an account that waits until its address is confirmed by a mailed link. If the address has an account already,
 * its owner gets a mail that says so. Both do the same work and write as many rows, so neither the answer nor its time
 * shows who has an account (ASVS 6.3.8). Above the limit of mails no mail is sent, with the same answer.
 */
export async function registerUnconfirmed(ports: RegisterPorts, input: RegisterInput, actor: Actor): Promise<void> {
  const outcome = await admit(ports, input, actor, async (user) => {
    const owner = await ports.users.findByEmail(user.email)
    const isGranted = await mayMail(ports, owner?.email ?? user.email.address)
    return ports.users.registerUnconfirmed(
      user,
      (account, outcome) => confirmationOf(ports, user, account, outcome, isGranted),
      actor
    )
  })
  // Also wake the sender if nothing is to be sent, so that its work does not show the difference.
  ports.mail.wake()
  ports.decisions.note('registration', decisionOf[outcome])
}

const decisionOf = { registered: 'succeeded', registered_again: 'repeated', taken: 'email_taken' } as const

/** The link of a registration, its mail and its event. The link of a taken account is in no mail. */
function confirmationOf(
  ports: RegisterPorts,
  user: NewUser,
  account: UserWithPassword | undefined,
  outcome: UnconfirmedOutcome,
  isGranted: boolean
): MadeLink {
  const made = { ...verificationOf(ports, account ?? recipientOf(user)), pretend: !isGranted || account === undefined }
  if (outcome === 'registered') return { ...made, event: { type: 'user_registered', userId: user.id } }

  const why = outcome === 'taken' ? 'account_exists' : undefined
  const event = { ...made.event, userId: account?.id, reason: isGranted ? why : 'limited' }
  if (outcome === 'registered_again' || account === undefined) return { ...made, event }
  return { ...made, event, mail: newMail(ports, account, { kind: 'account_exists', parameters: {} }) }
}

/** Checks a registration, and makes the account within the limits of the network. */
async function admit<Result>(
  ports: RegisterPorts,
  input: RegisterInput,
  actor: Actor,
  make: (user: NewUser) => Promise<Result>
): Promise<Result> {
  if (ports.policy.registration !== 'open') {
    ports.decisions.note('registration', 'closed')
    throw new Refused('registration_closed')
  }
  requireAllowedMode(ports, input.mode)
  const source = sourceOf(actor, false)
  await ports.passwords.requireRoom(source)
  const email = requireEmail(input.email)
  await requireGoodPassword(ports, input.password, email)

  const hashAndMake = async () => {
    const passwordHash = await ports.passwords.hash(input.password, source)
    return make({ id: ports.entropy.uuid(), email, passwordHash, roles: [], locale: input.locale })
  }
  const uses = registrationLimits.map((limit) => ({ limit, key: source.network }))
  const onLimited = () => ports.decisions.note('registration', 'limited')
  return counted(ports, uses, hashAndMake, () => true, onLimited)
}

/** The members of a new account that its link and its mail need. */
function recipientOf({ id, email, passwordHash, locale }: NewUser) {
  return { id, email: email.address, passwordHash, locale: locale ?? null }
}
