import pg from 'pg'
import { CannotStart, inOneLine, Unavailable } from '../../../ports/errors.js'
import { codesOf } from '../database-errors.js'
import type { DatabaseConnection } from './database-url.js'

/** The server whose connection failed. */
type Server = Pick<DatabaseConnection, 'connection' | 'setting'>

interface Target extends Pick<pg.Client, 'host' | 'port' | 'user' | 'database'> {
  /** The server, for people. */
  readonly place: string
  /** What the server or the system says, in quotes. */
  readonly words: string
}

type Sentence = (target: Target) => string

/** By the error's code: a system error's, Node's for TLS, or a SQLSTATE (PostgreSQL manual, appendix A). */
const byCode: readonly (readonly [RegExp, Sentence])[] = [
  [/^ENOTFOUND$/, ({ host }) => `the host "${host}" is unknown (ENOTFOUND): check its name`],
  [
    /^EAI_AGAIN$/,
    ({ host }) => `no DNS server says where "${host}" is (EAI_AGAIN): check the name, and the DNS of this machine`
  ],
  [
    /^ECONNREFUSED$/,
    ({ place }) => `${place} refuses connections: does PostgreSQL run there, and listen on that address?`
  ],
  [/^ENOENT$/, ({ place }) => `${place} does not exist: does PostgreSQL run, and with that folder for its socket?`],
  [/^EACCES$/, ({ place }) => `this process may not use ${place}`],
  [/^(ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH)$/, ({ place }) => unanswered(place)],
  [/^(ECONNRESET|EPIPE)$/, ({ place }) => hungUp(place)],
  [
    /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    ({ place, words }) => `the certificate of ${place} is not valid now: ${words}`
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    ({ place }) => `the certificate of ${place} is for another name: connect by a name that it has`
  ],
  [
    /^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CERT_)/,
    ({ place, words }) => `the certificate of ${place} is not trusted (${words}): name its authority by sslrootcert=`
  ],
  [/^(EPROTO|ERR_SSL_|ERR_TLS_|ERR_OSSL_)/, ({ place, words }) => `TLS with ${place} fails: ${words}`],
  [/^28P01$/, ({ place, user }) => `${place} refuses the password of the role "${user}"`],
  [/^3D000$/, ({ place, database }) => `${place} has no database "${database}": create it, or correct the name`],
  [/^53300$/, ({ place, words }) => `${place} has no free connection: ${words}`],
  [/^57P0[123]$/, ({ place, words }) => `${place} is not ready: ${words}`]
]

/** By the error's text, where it has no code or one that stands for many faults. */
const byText: readonly (readonly [RegExp, Sentence])[] = [
  [/timeout expired|connection timeout|timeout exceeded|read timeout/, ({ place }) => unanswered(place)],
  [/Connection terminated/, ({ place }) => hungUp(place)],
  [
    /does not support SSL/,
    ({ place }) => `${place} offers no TLS: turn it on there, or use sslmode=disable if you trust the network`
  ],
  [/establishing an SSL connection/, ({ place }) => `${place} does not answer as PostgreSQL to the question for TLS`],
  [
    /password must be a|password is required/i,
    ({ place, user }) => `${place} asks for a password of the role "${user}": give one`
  ],
  [/role .* does not exist/, ({ place, user }) => `${place} has no role "${user}"`],
  [
    /pg_hba\.conf.* (no encryption|SSL off)/s,
    ({ place, words }) => `${place} does not accept this without TLS: ${words}. Try sslmode=verify-full`
  ]
]

const unanswered = (place: string) => `${place} does not answer: check the address and the firewalls between`
const hungUp = (place: string) =>
  `${place} closes the connection without a word: is it PostgreSQL, or a balancer that has no server left?`

/**
 * One line for the first connection to a server that failed, which names the cause and what would do, without the
 * password. What it does not know better it quotes: servers and poolers say what they want. Undefined if `error` is not
 * of the connection.
 */
export function connectionFault(error: unknown, { connection, setting }: Server): CannotStart | undefined {
  if (!(error instanceof Error)) return undefined
  const code = 'code' in error ? String(error.code) : ''
  const sentence = sentenceFor(code, error.message)
  if (sentence === undefined) return undefined
  // pg completes what the URL does not name.
  const { host, port, user, database } = new pg.Client(connection)
  const place = host.startsWith('/') ? `the socket ${host}/.s.PGSQL.${port}` : `${host}:${port}`
  const fault = sentence({ host, port, user, database, place, words: quoted(error.message) })
  return new CannotStart(oneLine(`${setting}: ${fault}${fault.endsWith('?') ? '' : '.'}`), { cause: error })
}

/** By SQLSTATE: why the server refuses what the start needs. */
const refusals: readonly (readonly [string, (role: string | undefined, words: string) => string])[] = [
  [
    '42501',
    (role, words) =>
      `the role "${role}" may not do what the start needs: ${words}. ` +
      'Migrate with the role that owns the schema ("latchkey migrate") and set MIGRATE=off here; docs/migrations.md has the rights.'
  ],
  ['25006', (_, words) => `the database is read-only, as a standby is: ${words}. Name the primary.`]
]

/**
 * One line for a statement of the start that the server refused, or for which it was lost. Undefined if `error` is not of
 * the database.
 */
export function startFault(error: unknown, { connection, setting }: Server): CannotStart | undefined {
  const codes = codesOf(error)
  // Prisma puts words of its own before the server's message.
  const message = inOneLine(rootOf(error)).replace(/^.* Message: `(.*)`$/, '$1')
  const refusal = refusals.find(([code]) => codes.includes(code))?.[1]
  if (refusal !== undefined) {
    const fault = refusal(new pg.Client(connection).user, quoted(message))
    return new CannotStart(oneLine(`${setting}: ${fault}`), { cause: error })
  }
  const isOfDatabase = error instanceof Unavailable || codes.some((code) => /^P\d{4}$/.test(code))
  return isOfDatabase ? new CannotStart(oneLine(`${setting}: ${message}`), { cause: error }) : undefined
}

const rootOf = (error: unknown): unknown =>
  error instanceof Error && error.cause instanceof Error ? rootOf(error.cause) : error

function sentenceFor(code: string, message: string): Sentence | undefined {
  const known = byCode.find(([codes]) => codes.test(code)) ?? byText.find(([texts]) => texts.test(message))
  if (known !== undefined) return known[1]
  // A SQLSTATE, or the words of pg about the password exchange.
  if (/^[0-9A-Z]{5}$/.test(code) || message.startsWith('SASL: '))
    return ({ place, words }) => `${place} answers ${words}`
  return undefined
}

const quoted = (message: string) => `"${message.slice(0, 300)}"`

/** Servers choose their words: they must not reach the next line, or control a terminal. */
const oneLine = (text: string) => text.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
