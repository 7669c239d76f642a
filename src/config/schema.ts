import Type, { type Static, type TNumberOptions, type TSchema, type TStringOptions } from 'typebox'
import { modes } from '../core/policy.js'
import { signingAlgorithms } from '../core/signing-algorithm.js'

/**
 * Every setting, once: its type, limits, default and meaning. The environment variable's name is the
 * property's in capitals, unless `variable` names another. `secret` values are never printed. `expects`
 * says in words what a pattern asks for; `examples` begins with a value that would do.
 */
interface SettingNotes {
  readonly description: string
  readonly variable?: string
  readonly secret?: true
  readonly expects?: string
  readonly examples?: readonly (string | number | boolean)[]
  /** The default in words, where it is not one fixed value. */
  readonly otherwise?: string
}

const text = (notes: SettingNotes & TStringOptions) => Type.String(notes)
const flag = (byDefault: boolean, notes: SettingNotes) => Type.Boolean({ ...notes, default: byDefault })
const integer = (byDefault: number, minimum: number, maximum: number, notes: SettingNotes) =>
  Type.Integer({ ...notes, minimum, maximum, default: byDefault })
const choice = <const T extends string>(byDefault: NoInfer<T>, values: readonly T[], notes: SettingNotes) =>
  Type.Enum([...values], { ...notes, default: byDefault })

const day = 86_400
/** Browsers keep no cookie longer (RFC 6265bis §5.5). */
const longestCookieLife = 400 * day

export const settingsSchema = Type.Object({
  host: text({ default: '127.0.0.1', description: 'The address to listen on. The container image sets `0.0.0.0`.' }),
  port: integer(3000, 0, 65_535, { description: 'The port to listen on. `0` takes any free one.' }),
  databaseUrl: Type.Optional(
    text({
      description: 'The PostgreSQL server to use.',
      otherwise: 'none: an embedded PostgreSQL in `DATA_DIR`',
      pattern: '^postgres(ql)?://\\S+$',
      expects: 'an address that begins with postgresql://',
      examples: ['postgresql://latchkey:secret@127.0.0.1:5432/latchkey'],
      secret: true
    })
  ),
  redisUrl: Type.Optional(
    text({
      description:
        'A Redis or Valkey in which instances on one PostgreSQL count their limits together, and by which they tell each other of revocations; without it each counts for itself, and they listen to the database.',
      otherwise: 'none',
      pattern: '^rediss?://\\S+$',
      expects: 'an address that begins with redis:// or rediss://',
      examples: ['redis://127.0.0.1:6379'],
      secret: true
    })
  ),
  dataDir: text({
    default: './data',
    description:
      'The folder of the embedded database and of the root secret that is made when none is given. Keep it, and keep it private.'
  }),
  rootSecrets: Type.Array(Type.String({ minLength: 1 }), {
    variable: 'ROOT_SECRET',
    description:
      'The secret that all other keys are derived from. Several, newest first, while it is being changed: the first makes, all of them are accepted.',
    otherwise: 'made once and kept in `DATA_DIR`; required in production',
    default: [],
    secret: true,
    expects: 'secrets of 32 bytes or more, separated by commas',
    examples: ['$(openssl rand -base64 48)']
  }),
  issuer: Type.Optional(
    text({
      description: 'The `iss` of access tokens: the address at which clients reach this service (RFC 8414 §2).',
      otherwise: '`http://HOST:PORT`',
      pattern: '^https?://[^\\s?#]+$',
      expects: 'an absolute http or https address without query and fragment',
      examples: ['https://auth.example.com']
    })
  ),
  audience: Type.Optional(
    text({
      description: 'The `aud` of access tokens: who they are for (RFC 9068 §2.2).',
      otherwise: 'the issuer',
      pattern: '^\\S+$',
      expects: 'one name or address without spaces',
      examples: ['https://api.example.com']
    })
  ),
  jwtAlg: choice('ES256', signingAlgorithms, {
    description: 'How access tokens are signed. With `HS256` no public key is published.'
  }),
  keyRotationDays: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 3650,
      description: 'The signing key is rotated when it has signed for this many days.',
      otherwise: 'none: only when somebody asks for it',
      examples: [90]
    })
  ),
  accessTokenTtlSeconds: integer(600, 1, day, { description: 'How long an access token lives.' }),
  refreshIdleTtlSeconds: integer(14 * day, 1, longestCookieLife, {
    description: 'A session that is not refreshed for this long ends.'
  }),
  refreshAbsoluteTtlSeconds: integer(90 * day, 1, longestCookieLife, {
    description: 'A session ends this long after its login, however often it is refreshed.'
  }),
  refreshGraceSeconds: integer(20, 0, 300, {
    description:
      'A refresh token rotates at most once in this time, and the one before stays good for it, so that tabs and retries agree. `0` is strict: every refresh rotates, every old token is reuse.'
  }),
  refreshRecoveryGenerations: integer(16, 0, 10_000, {
    description:
      'One lost response is forgiven in this many rotations. `0` forgives none; `1`, which would forgive a thief for ever, is refused.'
  }),
  maxSessionsPerUser: integer(100, 1, 10_000, { description: 'Above this many, the oldest session of the user ends.' }),
  reauthenticationSeconds: integer(0, 0, day, {
    description:
      'Whoever ends another device must have logged in within this time, and is told to log in again otherwise (RFC 9470). `0` asks for nothing.'
  }),
  modes: Type.Array(Type.Enum([...modes]), {
    default: [...modes],
    minItems: 1,
    uniqueItems: true,
    description: 'The ways in which clients may hold a session.',
    examples: ['cookie,body']
  }),
  cookieSecure: flag(true, {
    description:
      'Cookies carry `Secure` and the `__Host-` prefix. `false` is for development over plain http, and refused in production.'
  }),
  cookieSameSite: choice('strict', ['strict', 'lax', 'none'], {
    description: '`none` is for a single-page app on another site; its cookies are partitioned.'
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
      description: 'The proxies whose `X-Forwarded-*` headers are believed.',
      otherwise: 'none: the headers are ignored',
      examples: ['10.0.0.0/8']
    }
  ),
  bcryptCost: integer(12, 4, 20, {
    description: 'The cost of a password hash; each step doubles the work. In production 10 or more.'
  }),
  passwordMinLength: integer(8, 8, 64, { description: 'The fewest characters that a new password may have.' }),
  breachedPasswordsUrl: Type.Optional(
    text({
      description:
        'A range service after the protocol of Have I Been Pwned, asked whether a new password has leaked. It learns the first 5 digits of its SHA-1, no more. When it does not answer within 1.5 s, the password is taken.',
      otherwise: 'none: only the list that comes with the package is asked',
      pattern: '^https?://[^\\s?#]+$',
      expects: 'an absolute http or https address without query and fragment',
      examples: ['https://api.pwnedpasswords.com/range/']
    })
  ),
  rateLimitEnabled: flag(true, {
    description: 'Limits on guesses, on refreshes of one session and on requests per address (docs/operations.md).'
  }),
  feedStale: choice('allow', ['allow', 'deny'], {
    description:
      'What happens to access tokens while this instance has been cut off from what others revoke for ten seconds: `allow` trusts them until they expire, `deny` answers 503.'
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
        'Who may introspect and revoke tokens and follow the feed of revocations. An id may stand there twice while its secret is being changed.',
      otherwise: 'none: nobody may',
      examples: ['gateway:$(openssl rand -base64 48)'],
      secret: true
    }
  ),
  adminEmail: Type.Optional(
    text({
      description: 'Makes this admin at start when there is no admin yet. There is no default account.',
      expects: 'an e-mail address',
      examples: ['ops@example.com']
    })
  ),
  adminPassword: Type.Optional(
    text({ description: 'The password of that first admin. Take it out of the environment afterwards.', secret: true })
  ),
  logLevel: choice('info', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    description: 'The least severe log line that is written.'
  }),
  nodeEnv: text({
    default: 'development',
    description: '`production` turns on the checks that a deployment must pass.',
    examples: ['production']
  })
})

export type Settings = Static<typeof settingsSchema>

/** What can be asked of any setting's schema. */
export type SettingSchema = TSchema &
  Partial<SettingNotes> &
  Pick<TNumberOptions, 'minimum' | 'maximum'> & { readonly type?: string; readonly default?: unknown }

export interface Setting {
  readonly key: keyof Settings
  readonly variable: string
  readonly schema: SettingSchema
}

/** Each setting with its environment variable, in the order of the schema. */
export const settings: readonly Setting[] = (Object.keys(settingsSchema.properties) as (keyof Settings)[]).map(
  (key) => {
    const schema: SettingSchema = settingsSchema.properties[key]
    return { key, variable: schema.variable ?? key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(), schema }
  }
)

/** What a setting's value must be, in words, for messages and for docs/configuration.md. */
export function expectation(schema: SettingSchema): string {
  if (schema.expects !== undefined) return schema.expects
  if (schema.type === 'integer') return `a whole number from ${schema.minimum} to ${schema.maximum}`
  if (schema.type === 'boolean') return 'true or false'
  if (Type.IsEnum(schema)) return `one of ${schema.enum.join(', ')}`
  if (!Type.IsArray(schema)) return 'text'
  const item: SettingSchema = schema.items
  if (Type.IsEnum(item)) return `some of ${item.enum.join(', ')}, separated by commas, each once`
  return item.expects ?? 'texts separated by commas'
}
