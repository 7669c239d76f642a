// Long, because it has a valid and an invalid value of most settings.
import t from 'tap'
import {
  ConfigError,
  createConfig,
  type Environment,
  loadConfig,
  type SettingOptions
} from '../../src/config/read-config.js'
import { expectation, settings } from '../../src/config/schema.js'

const rootSecret = 'r'.repeat(32)
const production = { NODE_ENV: 'production', ROOT_SECRET: rootSecret, ISSUER: 'https://auth.example.com' }

function problemsOf(environment: Environment): readonly string[] {
  try {
    loadConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

t.test('an empty environment gives the defaults of the contract', async (t) => {
  t.strictSame(loadConfig({}), {
    host: '127.0.0.1',
    port: 3000,
    shutdownDelaySeconds: 0,
    docs: true,
    databasePoolSize: 10,
    databaseStatementTimeoutSeconds: 4,
    databaseWaitSeconds: 2,
    migrate: true,
    dataDir: './data',
    accountUrl: 'http://localhost:3000/account',
    rootSecret: [],
    issuer: 'http://localhost:3000',
    audience: ['http://localhost:3000'],
    jwtAlg: 'ES256',
    accessTokenTtlSeconds: 600,
    refreshIdleTtlSeconds: 1_209_600,
    refreshAbsoluteTtlSeconds: 7_776_000,
    refreshGraceSeconds: 20,
    refreshRecoveryGenerations: 16,
    refreshBatchSize: 64,
    maxSessionsPerUser: 100,
    reauthenticationSeconds: 900,
    registration: 'open',
    tokenAttributes: [],
    passwordLogin: true,
    emailVerification: 'off',
    modes: ['cookie', 'body', 'session', 'access'],
    cookieSecure: true,
    cookieSameSite: 'strict',
    cookieNameSuffixes: [''],
    allowedOrigins: [],
    trustProxy: [],
    bcryptCost: 12,
    passwordMinLength: 15,
    rateLimitEnabled: true,
    feedStale: 'allow',
    serviceCredentials: [],
    logLevel: 'info',
    production: false
  })
})

t.test('each setting is read from its environment variable', async (t) => {
  t.match(
    loadConfig({
      ...production,
      HOST: '::1',
      PORT: ' 8080 ',
      METRICS_PORT: '9464',
      SHUTDOWN_DELAY_SECONDS: '10',
      DOCS: 'off',
      DATABASE_URL: 'postgresql://u:p@db/latchkey',
      DATABASE_DIRECT_URL: 'postgresql://u:p@server/latchkey',
      DATABASE_POOL_SIZE: '20',
      DATA_DIR: '/data',
      ROOT_SECRET: `${rootSecret}, ${'o'.repeat(32)}`,
      AUDIENCE: 'https://api.example.com',
      JWT_ALG: 'EdDSA',
      REFRESH_GRACE_SECONDS: '0',
      MODES: 'cookie, body',
      COOKIE_SAME_SITE: 'none',
      ALLOWED_ORIGINS: 'https://app.example.com,http://localhost:5173,capacitor://localhost',
      TRUST_PROXY: '10.0.0.0/8,::1,loopback,fc00::/7',
      RATE_LIMIT_ENABLED: 'false',
      TOKEN_ATTRIBUTES: 'plan, tenant',
      BREACHED_PASSWORDS_URL: 'https://api.pwnedpasswords.com/range/',
      ADMIN_EMAIL: 'ops@example.com',
      ADMIN_PASSWORD: 'correct horse, battery',
      LOG_LEVEL: 'debug'
    }),
    {
      host: '::1',
      port: 8080,
      metricsPort: 9464,
      shutdownDelaySeconds: 10,
      docs: false,
      databaseUrl: 'postgresql://u:p@db/latchkey',
      databaseDirectUrl: 'postgresql://u:p@server/latchkey',
      databasePoolSize: 20,
      dataDir: '/data',
      rootSecret: [rootSecret, 'o'.repeat(32)],
      issuer: 'https://auth.example.com',
      audience: ['https://api.example.com'],
      jwtAlg: 'EdDSA',
      refreshGraceSeconds: 0,
      modes: ['cookie', 'body'],
      cookieSameSite: 'none',
      allowedOrigins: ['https://app.example.com', 'http://localhost:5173', 'capacitor://localhost'],
      trustProxy: ['10.0.0.0/8', '::1', 'loopback', 'fc00::/7'],
      rateLimitEnabled: false,
      tokenAttributes: ['plan', 'tenant'],
      breachedPasswordsUrl: 'https://api.pwnedpasswords.com/range/',
      adminEmail: 'ops@example.com',
      adminPassword: 'correct horse, battery',
      logLevel: 'debug',
      production: true
    }
  )
})

t.test('every flag is true or false, or on or off, in the environment and as an option', async (t) => {
  for (const [text, value] of [
    ['true', true],
    ['on', true],
    [' on ', true],
    ['false', false],
    ['off', false]
  ] as const) {
    for (const { key, variable, schema } of settings.filter(({ schema }) => schema.type === 'boolean')) {
      t.equal((loadConfig({ [variable]: text }) as Record<string, unknown>)[key], value, variable)
      t.equal((createConfig({ [key]: text.trim() } as SettingOptions) as Record<string, unknown>)[key], value, key)
      t.equal(expectation(schema), 'true or false, or on or off')
    }
  }
})

t.test('the name of every option is that of its environment variable in camelCase', async (t) => {
  for (const { key, variable } of settings) {
    t.equal(
      variable.toLowerCase().replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase()),
      key
    )
  }
})

t.test('an option that is a list takes a list, one value, or the text of the environment variable', async (t) => {
  const [one, other] = ['https://one.example', 'https://other.example']
  t.strictSame(createConfig({ audience: one }).audience, [one])
  t.strictSame(createConfig({ audience: [one, other] }).audience, [one, other])
  t.strictSame(createConfig({ audience: `${one}, ${other}` }).audience, [one, other])
  t.strictSame(createConfig({ issuer: one }).audience, [one], 'the issuer by default')
  t.strictSame(createConfig({ rootSecret }).rootSecret, [rootSecret])
  t.strictSame(createConfig({ modes: 'body' }).modes, ['body'])
})

t.test('NODE_ENV is production, development, test or empty', async (t) => {
  for (const NODE_ENV of ['', 'development', 'test']) t.equal(loadConfig({ NODE_ENV }).production, false)
  t.equal(loadConfig(production).production, true)
})

t.test('an empty value counts as not set', async (t) => {
  const config = loadConfig({ PORT: '', DATABASE_URL: '', ALLOWED_ORIGINS: '' })
  t.equal(config.port, 3000)
  t.notOk('databaseUrl' in config)
  t.strictSame(config.allowedOrigins, [])
})

t.test('the config and its lists are frozen', async (t) => {
  const config = loadConfig({})
  t.ok(Object.isFrozen(config))
  t.ok(Object.isFrozen(config.modes))
  t.not(loadConfig({}).modes, config.modes, 'two configs share no list')
})

t.test('without ISSUER the issuer is the address of HOST and PORT', async (t) => {
  const issuerAt = (HOST: string) => loadConfig({ HOST, PORT: '81' }).issuer
  t.equal(issuerAt('127.0.0.1'), 'http://localhost:81')
  t.equal(issuerAt('0.0.0.0'), 'http://localhost:81')
  t.equal(issuerAt('auth.internal'), 'http://auth.internal:81')
  t.equal(issuerAt('fd00::7'), 'http://[fd00::7]:81')
})

t.test('all mistakes are reported at once, each with the variable and a valid value', async (t) => {
  const problems = problemsOf({
    PORT: '99999',
    JWT_ALG: 'none',
    MODES: 'cookie,cookie',
    COOKIE_SECURE: 'maybe',
    REFRESH_IDLE_TTL_SECONDS: '120',
    REFRESH_ABSOLUTE_TTL_SECONDS: '60',
    ADMIN_EMAIL: 'ops@example.com',
    MAIL_TEMPLATES: '/missing/folder'
  })
  t.equal(problems.length, 7)
  t.match(problems[0], 'PORT must be a whole number from 0 to 65535, but is "99999". For example PORT=3000.')
  t.match(problems[1], /^JWT_ALG must be one of ES256, EdDSA, RS256, HS256/)
  t.match(problems[2], /^MODES must be/)
  t.match(problems[3], /^COOKIE_SECURE must be true or false/)
  t.match(problems[4], /^REFRESH_IDLE_TTL_SECONDS \(120\)/)
  t.match(problems[5], /^ADMIN_EMAIL and ADMIN_PASSWORD come together/)
  t.match(problems[6], /^MAIL_TEMPLATES must be a folder/)
})

const faults: readonly (readonly [Environment, RegExp])[] = [
  [{ PORT: '-1' }, /^PORT must/],
  [{ PORT: '3e3' }, /^PORT must/],
  [{ METRICS_PORT: '65536' }, /^METRICS_PORT must/],
  [{ METRICS_PORT: 'off' }, /^METRICS_PORT must/],
  [{ METRICS_PORT: '3000' }, /^METRICS_PORT \(3000\) must differ from PORT/],
  [{ PORT: '0x50' }, /^PORT must/],
  [{ ACCESS_TOKEN_TTL_SECONDS: '10m' }, /^ACCESS_TOKEN_TTL_SECONDS must/],
  [{ ACCESS_TOKEN_TTL_SECONDS: '0' }, /^ACCESS_TOKEN_TTL_SECONDS must/],
  [{ REFRESH_GRACE_SECONDS: '1.5' }, /^REFRESH_GRACE_SECONDS must/],
  [{ PASSWORD_MIN_LENGTH: '7' }, /^PASSWORD_MIN_LENGTH must/],
  [{ MODES: 'cookie,' }, /^MODES must/],
  [{ MODES: 'cookies' }, /^MODES must/],
  [{ COOKIE_SECURE: 'True' }, /^COOKIE_SECURE must/],
  [{ DOCS: 'no' }, /^DOCS must be true or false, or on or off/],
  ...['prod', 'Production', 'staging', ' production', 'none'].map(
    (word) => [{ NODE_ENV: word }, /^NODE_ENV must be one of production, development, test/] as const
  ),
  [{ DATABASE_URL: 'mysql://u:hunter2@db/x' }, /^DATABASE_URL must/],
  [
    { DATABASE_URL: 'postgresql://u:hunter2/x@db/x' },
    /^DATABASE_URL has an @ behind its host: write @ as %40, \/ as %2F/
  ],
  [{ DATABASE_URL: 'postgresql://a,b/x?target_session_attrs=read-write' }, /^DATABASE_URL names several hosts/],
  [
    { DATABASE_URL: 'postgresql://db/x?schema=my schema' },
    /^DATABASE_URL has a space or a line break: write a space as %20/
  ],
  [{ DATABASE_URL: 'postgresql://db/x?sslmod=require' }, /^DATABASE_URL has the parameter "sslmod"/],
  [{ DATABASE_DIRECT_URL: 'postgresql://u:hunter2@db/x' }, /^DATABASE_DIRECT_URL needs DATABASE_URL/],
  [
    { DATABASE_URL: 'postgresql://pooler/x?schema=a', DATABASE_DIRECT_URL: 'postgresql://db/x?schema=b' },
    /^DATABASE_DIRECT_URL names another schema/
  ],
  [{ DATABASE_POOL_SIZE: '0' }, /^DATABASE_POOL_SIZE must/],
  [
    { DATABASE_URL: 'postgresql://pooler/x', DATABASE_DIRECT_URL: 'postgresql://a,b/x' },
    /^DATABASE_DIRECT_URL names several hosts/
  ],
  [{ REDIS_URL: 'redis-cluster://a,b' }, /^REDIS_URL names a Redis Cluster, which is not supported/],
  [{ REDIS_URL: 'redis-sentinel://a,b' }, /^REDIS_URL must name the primary after the Sentinels/],
  [{ REDIS_URL: 'http://cache' }, /^REDIS_URL must be an address that begins with redis:/],
  [{ ROOT_SECRET: 'short' }, /^ROOT_SECRET .* number 1 of it has fewer than 32 bytes/],
  [{ ROOT_SECRET: `${rootSecret},short` }, /^ROOT_SECRET .* number 2/],
  [{ ROOT_SECRET: `${rootSecret},` }, /^ROOT_SECRET must/],
  [{ AUDIENCE: 'https://a.example,' }, /^AUDIENCE must be names or addresses without spaces, separated by commas/],
  [{ AUDIENCE: 'https://a.example,https://a.example' }, /^AUDIENCE must/],
  [{ AUDIENCE: 'an api' }, /^AUDIENCE must/],
  [{ ISSUER: 'auth.example.com' }, /^ISSUER must/],
  [{ ISSUER: 'https://auth.example.com/?a=b' }, /^ISSUER must/],
  [{ ISSUER: 'https://auth.example.com#x' }, /^ISSUER must/],
  [{ BREACHED_PASSWORDS_URL: 'api.pwnedpasswords.com' }, /^BREACHED_PASSWORDS_URL must/],
  [{ BREACHED_PASSWORDS_URL: 'https://x.test/?q=' }, /^BREACHED_PASSWORDS_URL must/],
  [{ ISSUER: 'https://:0:' }, /^ISSUER must/],
  [{ ALLOWED_ORIGINS: '*' }, /^ALLOWED_ORIGINS must/],
  [{ ALLOWED_ORIGINS: 'app.example.com' }, /^ALLOWED_ORIGINS must/],
  [{ ALLOWED_ORIGINS: 'https://app.example.com/' }, /^ALLOWED_ORIGINS must/],
  [{ ALLOWED_ORIGINS: 'https://App.example.com:443' }, /Write it as https:\/\/app\.example\.com\.$/],
  [{ ALLOWED_ORIGINS: 'https://app.example.com:x' }, /^ALLOWED_ORIGINS has/],
  [{ TRUST_PROXY: 'true' }, /^TRUST_PROXY must/],
  [{ TRUST_PROXY: '10.0.0.0/33' }, /^TRUST_PROXY must/],
  [{ TRUST_PROXY: '10.0.0.0/8/8' }, /^TRUST_PROXY must/],
  [{ TRUST_PROXY: '10.0.0.0/' }, /^TRUST_PROXY must/],
  [{ TRUST_PROXY: '10.0.0.1:80' }, /^TRUST_PROXY must/],
  [{ TRUST_PROXY: '010.0.0.1' }, /^TRUST_PROXY must/],
  [{ TRUST_PROXY: 'constructor' }, /^TRUST_PROXY must/],
  [{ TRUST_PROXY: '0.0.0.0/0' }, /^TRUST_PROXY has "0\.0\.0\.0\/0", which contains addresses of strangers/],
  [{ TRUST_PROXY: '10.0.0.0/8,::/0' }, /^TRUST_PROXY has "::\/0"/],
  [{ TRUST_PROXY: '0.0.0.0/1,128.0.0.0/1' }, /^TRUST_PROXY has "0\.0\.0\.0\/1"/],
  [{ TRUST_PROXY: '::ffff:0.0.0.0/96' }, /^TRUST_PROXY has/],
  [{ TRUST_PROXY: '2000::/3' }, /^TRUST_PROXY has/],
  [{ TRUST_PROXY: 'loopback,64:ff9b::/96' }, /^TRUST_PROXY has "64:ff9b::\/96"/],
  [{ TRUST_PROXY: '11.0.0.0/8,12.0.0.0/8' }, /^TRUST_PROXY has "11\.0\.0\.0\/8,12\.0\.0\.0\/8"/],
  [{ REFRESH_RECOVERY_GENERATIONS: '1' }, /^REFRESH_RECOVERY_GENERATIONS=1 would forgive/],
  [
    { TOKEN_ATTRIBUTES: 'plan,active' },
    /^TOKEN_ATTRIBUTES has "active", the name of a claim that Latchkey sets itself/
  ],
  [{ TOKEN_ATTRIBUTES: 'roles' }, /^TOKEN_ATTRIBUTES has "roles"/],
  [{ TOKEN_ATTRIBUTES: 'plan,plan' }, /^TOKEN_ATTRIBUTES must/],
  [{ TOKEN_ATTRIBUTES: '1st' }, /^TOKEN_ATTRIBUTES must/],
  [{ TOKEN_ATTRIBUTES: Array.from({ length: 17 }, (_, index) => `a${index}`).join() }, /^TOKEN_ATTRIBUTES must/],
  [{ COOKIE_SAME_SITE: 'none', COOKIE_SECURE: 'false' }, /^COOKIE_SAME_SITE=none needs COOKIE_SECURE=true/],
  [{ ADMIN_EMAIL: 'ops', ADMIN_PASSWORD: 'long enough words' }, /^ADMIN_EMAIL must/],
  [{ ADMIN_PASSWORD: 'long enough words' }, /^ADMIN_EMAIL and ADMIN_PASSWORD/],
  [{ MAIL_URL: 'smtp://mail.example.com' }, /^MAIL_FROM is required with MAIL_URL/],
  [{ EMAIL_VERIFICATION: 'required' }, /^MAIL_URL is required with EMAIL_VERIFICATION=required/],
  [{ MAIL_URL: 'imap://x', MAIL_FROM: 'a@example.com', EMAIL_VERIFICATION: 'required' }, /^MAIL_URL must be/],
  [{ MAIL_URL: 'smtp://ada:hunter2@a,b', MAIL_FROM: 'a@example.com' }, /^MAIL_URL names several servers/],
  [{ MAIL_URL: 'imap://mail.example.com', MAIL_FROM: 'a@example.com' }, /^MAIL_URL must be an address that begins/],
  [{ MAIL_FROM: 'no address' }, /^MAIL_FROM must be an address/],
  [{ MAIL_TEMPLATES: '/missing/folder' }, /^MAIL_TEMPLATES must be a folder.*\/missing\/folder is not \(ENOENT\)/],
  [{ MAIL_TEMPLATES: import.meta.filename }, /^MAIL_TEMPLATES must be a folder.*\(ENOTDIR\)/],
  [{ MAIL_FROM: 'A <a@example.com>\r\nBcc: eve@example.com' }, /^MAIL_FROM must be an address/],
  [{ ACCOUNT_URL: 'https://app.example.com/account#reset' }, /^ACCOUNT_URL must be an absolute/],
  [{ ...production, ROOT_SECRET: undefined }, /^ROOT_SECRET is required/],
  [{ ...production, COOKIE_SECURE: 'false' }, /^COOKIE_SECURE=false is refused/],
  [{ ...production, BCRYPT_COST: '9' }, /^BCRYPT_COST must be 10 or more/]
]

for (const [environment, expected] of faults) {
  t.test(`${JSON.stringify(environment)} is refused`, async (t) => {
    const problems = problemsOf(environment)
    t.equal(problems.length, 1)
    t.match(problems[0], expected)
  })
}

t.test('EMAIL_VERIFICATION=required is fine with a mail server, or if the host sends the mails', async (t) => {
  const required = { EMAIL_VERIFICATION: 'required' }
  const server = { MAIL_URL: 'smtp://127.0.0.1:25', MAIL_FROM: 'a@example.com' }
  t.equal(loadConfig({ ...required, ...server }).emailVerification, 'required')
  t.equal(loadConfig(required, undefined, { hasMailer: true }).emailVerification, 'required')
})

t.test('no message shows a secret', async (t) => {
  const problems = problemsOf({
    DATABASE_URL: 'mysql://u:hunter2@db/x',
    ROOT_SECRET: 'hunter2',
    ADMIN_PASSWORD: 'hunter2'
  })
  t.equal(problems.length, 3)
  t.notMatch(problems.join('\n'), 'hunter2')
})

t.test('a value that is probably wrong gives a warning', async (t) => {
  const warningsOf = (environment: Environment) => {
    const warnings: string[] = []
    loadConfig(environment, (warning) => warnings.push(warning))
    return warnings
  }
  t.strictSame(warningsOf({ ...production, PATH: '/bin' }), [])
  t.match(warningsOf({ LATCHKEY_PORT: '1' }), ['LATCHKEY_PORT is not a setting and does nothing. Did you mean PORT?'])
  t.match(warningsOf({ LATCHKEY_COLOR: '1' }), [/^LATCHKEY_COLOR is not a setting/])
  t.match(warningsOf({ LATCHKEY_ISUER: '1' }), [/Did you mean ISSUER\?$/])
  for (const [misspelt, meant] of [
    ['ISUER', 'ISSUER'],
    ['ROOT_SECRETS', 'ROOT_SECRET'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['COOKIE_SAMESITE', 'COOKIE_SAME_SITE'],
    ['issuer', 'ISSUER']
  ] as const) {
    t.strictSame(warningsOf({ [misspelt]: 'x' }), [
      `${misspelt} is not a setting and does nothing. Did you mean ${meant}?`
    ])
  }
  t.strictSame(warningsOf({ HOSTS: 'x', PORTS: 'x', NODES: 'x', DATABASE_USER: 'x', DATABASE_HOST: 'x' }), [])
  t.strictSame(warningsOf({ ISSUERS: 'x', ISSUER: 'https://auth.example.com' }), [], 'the one that is near is set')
  t.match(warningsOf({ ...production, ISSUER: undefined }), [/^ISSUER is not set/])
  t.match(warningsOf({ DATABASE_URL: 'postgresql://db/x?connection_limit=5&pgbouncer=true' }), [
    'DATABASE_URL has connection_limit, pgbouncer, which does nothing here: remove it.'
  ])
  for (const grace of ['1', '19']) {
    const warnings = warningsOf({ ...production, REFRESH_GRACE_SECONDS: grace })
    t.match(warnings, [
      /^With REFRESH_GRACE_SECONDS=\d+, a refresh .* can sign a user out, .* Set 20 or more, or 0 for strict rotation\.$/
    ])
    t.equal(warnings.length, 1)
  }
  for (const grace of ['0', '20']) t.strictSame(warningsOf({ ...production, REFRESH_GRACE_SECONDS: grace }), [])
})
