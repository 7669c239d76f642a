import { Type } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { type Mode, maxRoles, modes, rolePattern, uuidPattern } from '../../core/vocabulary.js'
import { Refused } from '../../service/refused.js'
import type { Person } from '../../service/sign-in/host-login.js'
import { device as deviceSchema, mode as modeSchema } from '../schemas/sign-in.js'

/** What a host says about a person whose identity it has proved. */
export interface HostLogin {
  /** The person's id in Latchkey. Either this or `externalId`. */
  readonly userId?: string | undefined
  /**
   * The id by which the host knows the person, such as the `sub` of an OpenID provider or the DN of a directory: 1 to 255
   * characters. It must never be given to another person. An unknown one makes an account without a password.
   */
  readonly externalId?: string | undefined
  /**
   * For a new account: its address, if `emailVerified` is true. Otherwise it is ignored: the person may have typed the
   * address of somebody else, who could later get into this account by a mail. Never finds or changes an account.
   */
  readonly email?: string | undefined
  /**
   * Whether you vouch that the person, and nobody else, receives mail at `email`; false by default. True if the person has
   * proved it, or if only your administrators write the address.
   */
  readonly emailVerified?: boolean | undefined
  /** How the client holds the session, as in the body of `POST /login`; `cookie` by default. */
  readonly mode?: Mode | undefined
  /** A name for this device, of at most 100 characters. */
  readonly device?: string | undefined
  /** In `body` mode: the `device_token` of the last login on this device. Other modes send a cookie. */
  readonly deviceToken?: string | undefined
  /** How the host has authenticated the person: 1 to 8 methods, such as `['pwd']` or `['fed', 'mfa']` (RFC 8176). */
  readonly amr: readonly string[]
  /**
   * When the person was authenticated, in seconds since the epoch, such as the `auth_time` of an OpenID provider; now by
   * default. A time in the future counts as now. `requireRecentLogin` uses it.
   */
  readonly authTime?: number | undefined
  /** All roles of the person from now on, at most 16. Without it they stay as they are. */
  readonly roles?: readonly string[] | undefined
}

const text = Type.String()
const optional = <T extends Parameters<typeof Type.Optional>[0]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Undefined()]))

/** A larger number is in milliseconds by mistake: in seconds it would be after the year 5138. */
const maxSeconds = 100_000_000_000

/** The arguments that only the host's code decides. Those that people may type are checked below. */
const loginSchema = Type.Object(
  {
    userId: optional(text),
    externalId: optional(text),
    email: optional(text),
    emailVerified: optional(Type.Boolean()),
    mode: optional(Type.Unknown()),
    device: optional(Type.Unknown()),
    deviceToken: optional(Type.Unknown()),
    amr: Type.Array(Type.String({ pattern: '^[A-Za-z0-9._:-]{1,32}$' }), {
      minItems: 1,
      maxItems: 8,
      uniqueItems: true
    }),
    authTime: optional(Type.Number({ minimum: 0, maximum: maxSeconds })),
    roles: optional(Type.Array(Type.String({ pattern: rolePattern }), { maxItems: maxRoles, uniqueItems: true }))
  },
  { additionalProperties: false }
)

/**
 * Checks what a host's code passes to `caller`, and fills in defaults. Throws a TypeError for a mistake of the host's code,
 * and `Refused` for what a person may have caused.
 * @internal Not in the package's types, because it would need those of all ports.
 */
export function checkedLogin(caller: string, login: HostLogin) {
  if (!Check(loginSchema, login)) throw new TypeError(`${caller}: ${faultOf(login)}`)
  const { userId, externalId, email, emailVerified, mode = 'cookie', device, deviceToken, amr, authTime, roles } = login
  if ((userId === undefined) === (externalId === undefined)) {
    throw new TypeError(`${caller} needs either userId or externalId.`)
  }
  if (!Check(modeSchema, mode)) throw refusedField('mode', `must be one of ${modes.join(', ')}`)
  if (device !== undefined && !Check(deviceSchema, device)) {
    throw refusedField('device', 'must have 1 to 100 characters, without control characters')
  }
  if (deviceToken !== undefined && !Check(text, deviceToken)) throw refusedField('device_token', 'must be a text')
  const known = userId !== undefined && !isUserId.test(userId) ? unknownUser : userId
  const person: Person =
    known === undefined ? { externalId: externalId ?? '', email, emailVerified } : { userId: known }
  return { person, mode, device, deviceToken, amr, roles, authTime: authTime && authTime * 1000 }
}

const isUserId = new RegExp(`^${uuidPattern}$`)
/** No user has this id. It takes the place of a text that is no UUID, with which a query would fail. */
const unknownUser = '00000000-0000-0000-0000-000000000000'

const refusedField = (field: string, message: string) =>
  new Refused('invalid_request', { errors: [{ field, message }] })

function faultOf(login: unknown): string {
  const [error] = Errors(loginSchema, login)
  const member = error?.instancePath.split('/')[1]
  const fault = error?.message === 'schema is false' ? 'does not exist' : error?.message
  return `${member ?? 'the second argument'} ${fault ?? 'does not fit'}`
}
