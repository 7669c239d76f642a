// Long, because it describes every setting.
import Type, { type Static, type TNumberOptions, type TSchema, type TStringOptions } from 'typebox'
import { refreshTimeoutSeconds, safeGraceSeconds } from '../core/policy.js'
import { maxCookieLifeSeconds, maxSessionsOfUser, modes, signingAlgorithms } from '../core/vocabulary.js'

/**
 * What each setting says beside its type, limits and default. Messages and docs/configuration.md are made of it.
 */
interface SettingNotes {
  readonly description: string
  /** Whether the value must never be printed. */
  readonly secret?: true
  /** What the pattern requires, in words. */
  readonly expects?: string
  /** Begins with a valid value. */
  readonly examples?: readonly (string | number | boolean)[]
  /** The default in words, if it is not one fixed value. */
  readonly otherwise?: string
}

const text = (notes: SettingNotes & TStringOptions) => Type.String(notes)
const optionalText = (notes: SettingNotes & TStringOptions) => Type.Optional(Type.String(notes))
const flag = (byDefault: boolean, notes: SettingNotes) => Type.Boolean({ ...notes, default: byDefault })
const integer = (byDefault: number, minimum: number, maximum: number, notes: SettingNotes) =>
  Type.Integer({ ...notes, minimum, maximum, default: byDefault })
const choice = <const T extends string>(byDefault: NoInfer<T>, values: readonly T[], notes: SettingNotes) =>
  Type.Enum([...values], { ...notes, default: byDefault })

const day = 86_400

export const settingsSchema = Type.Object({
  host: text({ default: '127.0.0.1', description: 'The address to listen on. The container image sets `0.0.0.0`.' }),
  port: integer(3000, 0, 65_535, { description: 'The port to listen on. `0` takes any free one.' }),
  metricsPort: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description:
        'A port of its own for `GET /metrics`, on the address of `HOST`. `PORT` then has no `/metrics`. `0` takes any free one.',
      otherwise: 'none: on `PORT` outside production, nowhere in production',
      examples: [9464]
    })
  ),
  shutdownDelaySeconds: integer(0, 0, 300, {
    description:
      'For this long after SIGTERM, `/readyz` answers 503 and all requests are still served, so that a load balancer stops sending requests here. Then running requests finish, within 8 s. Set it to the time in which the balancer notices (docs/operations.md). Another signal ends the wait.',
    examples: [10]
  }),
  docs: flag(true, {
    description: 'Serves `/openapi.json`, and `/docs`, the page that shows it. `false` serves neither.'
  }),
  databaseUrl: optionalText({
    description: 'The PostgreSQL server to use. docs/addresses.md has its parameters, and what each mode of TLS means.',
    otherwise: 'none: an embedded PostgreSQL in `DATA_DIR`',
    pattern: '^postgres(ql)?://',
    expects: 'an address that begins with postgresql://',
    examples: ['postgresql://latchkey:secret@127.0.0.1:5432/latchkey'],
    secret: true
  }),
  databaseDirectUrl: optionalText({
    description:
      'The address of the PostgreSQL server itself, if `DATABASE_URL` leads to a connection pooler in transaction mode, such as PgBouncer. Migrations and the connection that listens for notices use it (docs/connections.md).',
    otherwise: '`DATABASE_URL`',
    pattern: '^postgres(ql)?://',
    expects: 'an address that begins with postgresql://',
    examples: ['postgresql://latchkey:secret@127.0.0.1:5432/latchkey'],
    secret: true
  }),
  databasePoolSize: integer(10, 1, 1000, {
    description:
      'How many connections this process has to PostgreSQL at most. It has one more that listens for notices, and for a moment another if the server stops answering.'
  }),
  databaseStatementTimeoutSeconds: integer(4, 1, 60, {
    description:
      'How long a statement may take, and twice the time that it may wait for a lock. Its request is then answered 503. Above 5, `latchkey/client` can give up a refresh first, after 9 s. With `DATABASE_DIRECT_URL`, the role needs these time-outs too (docs/connections.md).'
  }),
  databaseWaitSeconds: integer(2, 1, 60, {
    description: 'How long a request may wait until the database can take it. Then it is answered 503.'
  }),
  migrate: flag(true, {
    description:
      'Applies new migrations of the database at start. `off` leaves that to `latchkey migrate`, and the service refuses to start while a migration is missing. Its role then needs no right to change the schema (docs/migrations.md).'
  }),
  redisUrl: optionalText({
    description:
      'A Redis or Valkey server, for several instances on one PostgreSQL: they share the counts of their rate limits and notify each other of revocations. Without it each instance counts apart, and revocations are pushed by the database. docs/addresses.md has its forms, such as that of Sentinels.',
    otherwise: 'none',
    pattern: '^rediss?(-sentinel|-cluster)?://',
    expects: 'an address that begins with redis://, rediss://, redis-sentinel:// or rediss-sentinel://',
    examples: ['redis://127.0.0.1:6379'],
    secret: true
  }),
  dataDir: text({
    default: './data',
    description:
      'The folder of the embedded database, and of the root secret that is made when `ROOT_SECRET` is not set. Back it up, and keep it private.'
  }),
  rootSecret: Type.Array(Type.String({ minLength: 1 }), {
    description:
      'The secret from which all other keys are derived. To change it, give several, newest first: the first one issues, all of them are accepted.',
    otherwise: 'made once and kept in `DATA_DIR`; required in production',
    default: [],
    secret: true,
    expects: 'secrets of 32 bytes or more, separated by commas',
    examples: ['$(openssl rand -base64 48)']
  }),
  issuer: optionalText({
    description: 'The `iss` of access tokens: the address at which clients reach this service (RFC 8414 §2).',
    otherwise: '`http://HOST:PORT`',
    pattern: '^https?://[^\\s?#]+$',
    expects: 'an absolute http or https address without query and fragment',
    examples: ['https://auth.example.com']
  }),
  audience: Type.Array(
    Type.String({ pattern: '^[^\\s,]+$', expects: 'names or addresses without spaces, separated by commas' }),
    {
      default: [],
      uniqueItems: true,
      description:
        'The `aud` of access tokens: the APIs that accept them (RFC 9068 §2.2). With several it is a list, and a verifier accepts the token if its own audience is in it. The service itself accepts tokens that name any of them. To change it, set the old and the new one for as long as an access token lives.',
      otherwise: 'the issuer',
      examples: ['https://api.example.com']
    }
  ),
  jwtAlg: choice('ES256', signingAlgorithms, {
    description: 'The signature algorithm of access tokens. With `HS256` no public key is published.'
  }),
  keyRotationDays: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 3650,
      description: 'The signing key is rotated after it has signed for this many days.',
      otherwise: 'none: only on request',
      examples: [90]
    })
  ),
  accessTokenTtlSeconds: integer(600, 1, day, { description: 'The lifetime of an access token.' }),
  refreshIdleTtlSeconds: integer(14 * day, 1, maxCookieLifeSeconds, {
    description: 'A session that is not refreshed for this long ends.'
  }),
  refreshAbsoluteTtlSeconds: integer(90 * day, 1, maxCookieLifeSeconds, {
    description: 'A session ends this long after its login, however often it is refreshed.'
  }),
  refreshGraceSeconds: integer(safeGraceSeconds, 0, 300, {
    description: `A refresh token rotates at most once in this time, and the token before it stays valid for this time, so that tabs and retries get the same token. \`0\` is strict: every refresh rotates, and every old token is reuse. \`latchkey/client\` gives up a refresh after ${refreshTimeoutSeconds} s, which needs ${safeGraceSeconds} or more (docs/rotation.md). Between 1 and ${safeGraceSeconds - 1} the service warns at its start.`
  }),
  refreshRecoveryGenerations: integer(16, 0, 10_000, {
    description:
      'One lost response is forgiven in this many rotations. `0` forgives none. `1` is refused, because it would always forgive a thief.'
  }),
  refreshBatchSize: integer(64, 1, 1000, {
    description:
      'How many refreshes that arrive at the same time can share one database statement and one commit, and how many logouts. With `1` each has its own (docs/scaling.md).'
  }),
  maxSessionsPerUser: integer(100, 1, maxSessionsOfUser, {
    description: 'When a user has more sessions, the oldest one ends.'
  }),
  reauthenticationSeconds: integer(900, 0, day, {
    description:
      'How old a login may be when a user ends the session of another device, changes the address of the account, changes something as an admin, deletes an account without a password, or sets its first password. After that the user must first confirm the password (`POST /reauthenticate`, RFC 9470), or log in again if the account has none. `0` requires nothing.'
  }),
  tokenAttributes: Type.Array(
    Type.String({
      pattern: '^[A-Za-z][A-Za-z0-9_.:/-]{0,63}$',
      expects: 'names of up to 64 letters, digits and _ . : / -, separated by commas'
    }),
    {
      default: [],
      maxItems: 16,
      uniqueItems: true,
      description:
        'The attributes of a user (`PATCH /admin/users/:id`) that go into access tokens, as claims of the same names. Everyone who gets a token can read them. Together they may have 1 KiB of JSON. A change is in force at once: tokens with the old values are refused, and clients refresh.',
      otherwise: 'none: no attribute is in a token',
      examples: ['plan,tenant']
    }
  ),
  registration: choice('open', ['open', 'invited', 'closed'], {
    description:
      'Who can create an account. `open`: everybody, by `POST /register`. `invited`: only admins, who invite people (`POST /admin/users`, `latchkey user invite`). `closed`: new people cannot be invited either; only `latchkey user create` and `ADMIN_EMAIL` create accounts. People who were invited before can still set their password.'
  }),
  passwordLogin: flag(true, {
    description:
      'Whether people sign in with passwords. With `off`, `/register`, `/login`, `/password*` and `/reauthenticate` answer 404, nothing makes a password or a link for one, and passwords that exist are not asked for. Accounts and sessions then begin by `startSession` of the plugin (docs/plugin.md). The stand-alone service has no other sign-in yet: nobody can sign in there, and a warning at the start says so.'
  }),
  emailVerification: choice('off', ['off', 'optional', 'required'], {
    description:
      'Whether a new account gets a mail with a link that confirms its address. With `optional` the account can be used before. With `required` the first session begins when the address is confirmed, and `POST /register` does not show whether an address has an account. `required` needs `MAIL_URL`, or a `mailer` of the plugin. The address of an account that an admin, the command line or `ADMIN_EMAIL` creates counts as confirmed.'
  }),
  modes: Type.Array(Type.Enum([...modes]), {
    default: [...modes],
    minItems: 1,
    uniqueItems: true,
    description: 'The modes in which clients may hold a session.',
    examples: ['cookie,body']
  }),
  cookieSecure: flag(true, {
    description:
      'Cookies have `Secure` and the `__Host-` prefix. `false` is for development over plain http, and refused in production.'
  }),
  cookieSameSite: choice('strict', ['strict', 'lax', 'none'], {
    description:
      'The `SameSite` attribute of cookies. `none` is for a single-page app on another site; cookies are then partitioned. Changing it from or to `none` signs browsers out once.'
  }),
  cookieNameSuffix: text({
    default: 'auto',
    description:
      'Keeps the cookies of services on one host name apart, because browsers send cookies to all ports and paths of a host. `auto` adds `_` and 8 hex digits, made of the port and the path of `ISSUER`, to the name of each cookie; it adds nothing if `ISSUER` has no path, and the default port of its scheme or `localhost:3000`. `none` never adds anything, and another value is added after a `_`. Sessions keep the name under which they began (docs/operations.md).',
    pattern: '^[a-z0-9]{1,16}$',
    expects: 'auto, none, or 1 to 16 of a-z and 0-9',
    examples: ['auto']
  }),
  allowedOrigins: Type.Array(
    Type.String({
      pattern: '^[a-z][a-z0-9+.-]*://[^\\s/?#@*]+$',
      expects: 'origins of the form scheme://host or scheme://host:port, separated by commas'
    }),
    {
      default: [],
      uniqueItems: true,
      description: 'Other origins whose pages may call this service with cookies.',
      otherwise: 'none: same origin only',
      examples: ['https://app.example.com,https://admin.example.com']
    }
  ),
  trustProxy: Type.Array(
    Type.String({
      expects: 'addresses or networks, or the words loopback, linklocal, uniquelocal, separated by commas'
    }),
    {
      default: [],
      description: 'The proxies whose `X-Forwarded-*` headers are trusted.',
      otherwise: 'none: the headers are ignored',
      examples: ['10.0.0.0/8']
    }
  ),
  bcryptCost: integer(12, 4, 20, {
    description: 'The bcrypt cost of a password hash. Each step doubles the work. In production 10 or more.'
  }),
  passwordMinLength: integer(15, 8, 64, {
    description:
      'The minimum number of characters of a new password. A password as the only factor has 15 or more (NIST SP 800-63B-4 §3.1.1.2). Users with a shorter password sign in as before.'
  }),
  breachedPasswordsUrl: optionalText({
    description:
      'A range service with the protocol of Have I Been Pwned, to check whether a new password has leaked. It learns the first 5 hex digits of the SHA-1 of the password, no more. If it does not answer within 1.5 s, the password is accepted.',
    otherwise: 'none: only the list in the package is checked',
    pattern: '^https?://[^\\s?#]+$',
    expects: 'an absolute http or https address without query and fragment',
    examples: ['https://api.pwnedpasswords.com/range/']
  }),
  rateLimitEnabled: flag(true, {
    description: 'Limits guesses, refreshes of one session and requests per address (docs/operations.md).'
  }),
  feedStale: choice('allow', ['allow', 'deny'], {
    description:
      'What happens to access tokens when this instance has not learned of revocations by other instances for ten seconds: `allow` trusts tokens until they expire, `deny` answers 503.'
  }),
  serviceCredentials: Type.Array(
    Type.String({
      pattern: '^[A-Za-z0-9._-]{1,64}:[!-+\\--~]{32,200}$',
      expects: 'pairs id:secret with secrets of 32 characters or more, separated by commas'
    }),
    {
      default: [],
      uniqueItems: true,
      description:
        'The services that may introspect and revoke tokens and follow the revocation feed. To change a secret, list its id twice. Machine clients can do the same with the scopes for it, and need no restart.',
      otherwise: 'none: only machine clients may',
      examples: ['gateway:$(openssl rand -base64 48)'],
      secret: true
    }
  ),
  accountUrl: optionalText({
    description:
      'The address of the page to which the links in mails lead, with the token in the fragment (`#reset=…`). Links are never made from the headers of a request.',
    otherwise: '`ISSUER/account`',
    pattern: '^https?://[^\\s?#]+$',
    expects: 'an absolute http or https address without query and fragment',
    examples: ['https://app.example.com/account']
  }),
  mailUrl: optionalText({
    description:
      'The mail server. `smtps` is TLS from the beginning. `smtp` changes to TLS if the server offers it; with a password TLS is required, except on the same machine (docs/addresses.md). Without it, outside production and with `HOST` on loopback, mails and their links are printed into the log; otherwise what needs mail answers 503 `mail_not_configured`.',
    otherwise: 'none',
    pattern: '^smtps?://',
    expects: 'an address that begins with smtp:// or smtps://',
    examples: ['smtps://latchkey:secret@smtp.example.com'],
    secret: true
  }),
  mailFrom: optionalText({
    description: 'The sender of mails.',
    otherwise: 'none: required with `MAIL_URL`',
    pattern: '^([^<>@\\r\\n]*<[^\\s<>@,]+@[^\\s<>@,]+>|[^\\s<>@,]+@[^\\s<>@,]+)$',
    expects: 'an address, or a name and an address in angle brackets',
    examples: ['Example <no-reply@example.com>']
  }),
  mailTemplates: optionalText({
    description:
      'A folder with texts for mails and for the account page, in other languages or other words, and with layouts for mails (docs/mail-templates.md). It is read and checked once, at the start.',
    otherwise: 'none: English and German, in the layout of the package',
    examples: ['/etc/latchkey/mail']
  }),
  adminEmail: optionalText({
    description:
      'Creates this admin at start if there is no admin yet. An account that has the address already is not made an admin: a stranger may have registered it. There is no default account.',
    expects: 'an e-mail address',
    examples: ['ops@example.com']
  }),
  adminPassword: optionalText({
    description:
      'The password of that first admin, judged only when it makes one. Remove it from the environment afterwards.',
    secret: true
  }),
  logLevel: choice('info', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    description: 'The least severe log line that is written.'
  }),
  nodeEnv: choice('development', ['production', 'development', 'test'], {
    description:
      '`production` turns on the checks for a production deployment, and takes `/metrics` off `PORT` (`METRICS_PORT`).',
    examples: ['production']
  })
})

export type Settings = Static<typeof settingsSchema>

/** The schema of any one setting. */
export type SettingSchema = TSchema &
  Partial<SettingNotes> &
  Pick<TNumberOptions, 'minimum' | 'maximum'> & { readonly type?: string; readonly default?: unknown }

export interface Setting {
  readonly key: keyof Settings
  readonly variable: string
  readonly schema: SettingSchema
}

/** All settings, in the order of the schema. */
export const settings: readonly Setting[] = (Object.keys(settingsSchema.properties) as (keyof Settings)[]).map(
  (key) => {
    const schema: SettingSchema = settingsSchema.properties[key]
    return { key, variable: key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(), schema }
  }
)

/** What the value must be, in words, for messages and for docs/configuration.md. */
export function expectation(schema: SettingSchema): string {
  if (schema.expects !== undefined) return schema.expects
  if (schema.type === 'integer') return `a whole number from ${schema.minimum} to ${schema.maximum}`
  if (schema.type === 'boolean') return 'true or false, or on or off'
  if (Type.IsEnum(schema)) return `one of ${schema.enum.join(', ')}`
  if (!Type.IsArray(schema)) return 'text'
  const item: SettingSchema = schema.items
  if (Type.IsEnum(item)) return `some of ${item.enum.join(', ')}, separated by commas, each once`
  return item.expects ?? 'texts separated by commas'
}
