import type { Email } from '../../core/email.js'
import { hasPassword, noPasswordHash } from '../../core/password-policy.js'
import { registrationLimits } from '../../core/rate-limits.js'
import { Unavailable } from '../../ports/errors.js'
import type {
  Actor,
  AddressedUser,
  MadeLink,
  NewUser,
  PasswordSource,
  Ports,
  SessionUser,
  UnconfirmedOutcome
} from '../../ports/index.js'
import { type NewPasswordPorts, requireEmail, requireGoodPassword } from '../accounts/account-rules.js'
import { verifyPassword } from '../accounts/verify-password.js'
import { counted } from '../limits.js'
import type { LinkPorts } from '../mail/one-time-links.js'
import { accountExistsOf, mailboxOf, mailUse, mayMail, verificationOf } from '../mail/verification-mail.js'
import { sourceOf } from '../password-source.js'
import { Refused } from '../refused.js'
import {
  planSession,
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

/**
 * Creates an account without roles, and its first session. With `EMAIL_VERIFICATION=optional` it also mails a link. A
 * function of the host that makes claims is called first: if it fails, there is no account.
 */
export async function register(ports: RegisterPorts, input: RegisterInput, actor: Actor): Promise<SignedIn> {
  const account = await admit(ports, input, actor, async (email, source) => {
    const passwordHash = await ports.passwords.hash(input.password, source)
    // The function is called for no address that has an account already.
    if (ports.addedClaims.callsHost && (await ports.users.findByEmail(email)) !== undefined) return 'email_taken'
    const newUser = newUserOf(ports, email, passwordHash, input)
    const user = sessionUserOf(ports, newUser)
    const planned = await planSession(ports, user, { amr }, input, actor)
    const created = await create(ports, newUser, actor)
    return created === 'email_taken' ? created : { user, passwordHash, amr, planned }
  })
  ports.decisions.note('registration', account === 'email_taken' ? account : 'succeeded')
  if (account === 'email_taken') throw new Refused('email_taken')

  const { id: userId } = account.user
  const credentials = await startSession(ports, account, input, { ...actor, userId })
  return { ...credentials, deviceToken: issueDeviceToken(ports, userId, undefined) }
}

const amr = ['pwd']

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
 * its owner gets a mail that says so, and only the registration is noted. Both do the same work and write as many rows,
 * so neither the answer nor its time shows who has an account (ASVS 6.3.8). Above the limit of mails no mail is sent, with
 * the same answer.
 *
 * If the address was registered with another password before, neither password is valid: a stranger may have chosen one of
 * them. The mailed links still work, and the owner sets a password after the confirmation. Each mail goes to the spelling
 * of the address that was typed: see `mailboxOf`.
 */
export async function registerUnconfirmed(ports: RegisterPorts, input: RegisterInput, actor: Actor): Promise<void> {
  const outcome = await admit(ports, input, actor, async (email, source) => {
    const owner = await ports.users.findByEmail(email)
    const isGranted = await mayMail(ports, owner ? mailboxOf(owner, email) : email.address)
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const earlier = await ports.users.findRegistration(email)
      const user = newUserOf(ports, email, await hashAfter(ports, earlier, input.password, source), input)
      const confirm = (account: AddressedUser | undefined, outcome: UnconfirmedOutcome) =>
        confirmationOf(ports, user, account, outcome, isGranted)
      const outcome = await ports.users.registerUnconfirmed(user, { earlier, confirm }, actor)
      if (outcome !== 'changed') return outcome
    }
    throw new Unavailable('The address was registered by other requests at every attempt.')
  })
  // Also wake the sender if nothing is to be sent, so that its work does not show the difference.
  ports.mail.wake()
  ports.decisions.note('registration', decisionOf[outcome])
}

const decisionOf = { registered: 'succeeded', registered_again: 'repeated', taken: 'email_taken' } as const

/**
 * Of simultaneous registrations one is the first, and one changes its password to none. After that, another attempt finds
 * what it expects, unless the address is confirmed or released meanwhile.
 */
const maxAttempts = 5

/**
 * The hash to note for an address after a registration with `password`, where `earlier` is the hash so far. Always takes
 * one hash or one comparison, which cost the same.
 */
async function hashAfter(
  ports: RegisterPorts,
  earlier: string | undefined,
  password: string,
  source: PasswordSource
): Promise<string> {
  if (earlier === undefined) return ports.passwords.hash(password, source)
  const isSame = await verifyPassword(ports, password, earlier, source)
  return isSame || !hasPassword(earlier) ? earlier : noPasswordHash(ports.entropy.uuid())
}

/** The link of a registration, its mail and its event. */
function confirmationOf(
  ports: RegisterPorts,
  user: NewUser,
  account: AddressedUser | undefined,
  outcome: UnconfirmedOutcome,
  isGranted: boolean
): MadeLink {
  if (outcome === 'taken') return accountExistsOf(ports, account, user.email.address, isGranted)
  const made = { ...verificationOf(ports, account ?? recipientOf(user), user.email.address), pretend: !isGranted }
  if (outcome === 'registered') return { ...made, event: { type: 'user_registered', userId: user.id } }
  return { ...made, event: { ...made.event, reason: isGranted ? undefined : 'limited' } }
}

/** Checks a registration, and makes the account within the limits of the network. */
async function admit<Result>(
  ports: RegisterPorts,
  input: RegisterInput,
  actor: Actor,
  make: (email: Email, source: PasswordSource) => Promise<Result>
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

  const uses = registrationLimits.map((limit) => ({ limit, key: source.network }))
  const onLimited = () => ports.decisions.note('registration', 'limited')
  return counted(
    ports,
    uses,
    () => make(email, source),
    () => true,
    onLimited
  )
}

const newUserOf = (ports: RegisterPorts, email: Email, passwordHash: string, { locale }: RegisterInput): NewUser => ({
  id: ports.entropy.uuid(),
  email,
  passwordHash,
  roles: [],
  locale
})

const sessionUserOf = (ports: RegisterPorts, { id, email, roles }: NewUser): SessionUser => ({
  id,
  email: email.address,
  roles,
  disabled: false,
  createdAt: ports.clock.now(),
  attributes: {},
  externalId: null
})

/** The members of a new account that its link and its mail need. */
function recipientOf({ id, email, passwordHash, locale }: NewUser) {
  return { id, email: email.address, passwordHash, locale: locale ?? null }
}
