import { readdirSync } from 'node:fs'
import { readDatabaseUrl } from '../addresses/database-url.js'
import { readMailUrl } from '../addresses/mail-url.js'
import { readRedisUrl } from '../addresses/redis-url.js'
import { InvalidUrl } from '../addresses/server-url.js'
import { readEmail } from '../core/email.js'
import { utf8Length } from '../core/password-policy.js'
import { isReservedClaim } from '../core/reserved-claims.js'
import { minRootSecretBytes } from '../core/vocabulary.js'
import { expectation, type Setting, type Settings, settings } from './schema.js'
import { isProxy, trustStrangers } from './trusted-proxies.js'

/** What rules know besides the settings that were read without a mistake. */
interface Circumstances {
  /** Whether `MAIL_URL` is set, even to a wrong value, or the host has a `mailer`. */
  readonly sendsMail: boolean
}

/** A rule that the schema of one setting cannot express. Returns the message if `settings` break it. */
export type Rule = (settings: Partial<Settings>, circumstances: Circumstances) => string | undefined

const minProductionBcryptCost = 10

/** A setting whose value was already reported is missing from `settings`, and then breaks no rule. */
export const rules: readonly Rule[] = [
  function productionNeedsRootSecret({ nodeEnv, rootSecret }) {
    if (nodeEnv !== 'production' || rootSecret?.length !== 0) return undefined
    return 'ROOT_SECRET is required when NODE_ENV=production. Make one with: openssl rand -base64 48, and keep it.'
  },
  function productionNeedsSecureCookies({ nodeEnv, cookieSecure }) {
    if (nodeEnv !== 'production' || cookieSecure !== false) return undefined
    return 'COOKIE_SECURE=false is refused when NODE_ENV=production. Leave it out, and serve over https.'
  },
  function productionNeedsCostlyHashes({ nodeEnv, bcryptCost }) {
    if (nodeEnv !== 'production' || bcryptCost === undefined || bcryptCost >= minProductionBcryptCost) return undefined
    return `BCRYPT_COST must be ${minProductionBcryptCost} or more when NODE_ENV=production, but is ${bcryptCost}.`
  },
  function directUrlHasAPooler({ databaseUrl, databaseDirectUrl }) {
    if (databaseDirectUrl === undefined || databaseUrl !== undefined) return undefined
    return 'DATABASE_DIRECT_URL needs DATABASE_URL, the address of the connection pooler. Without a pooler, set DATABASE_URL alone.'
  },
  function bothUrlsHaveOneSchema({ databaseUrl, databaseDirectUrl }) {
    const [schema = 'public', direct = schema] = [databaseUrl, databaseDirectUrl].map(schemaOf)
    if (direct === schema) return undefined
    return 'DATABASE_DIRECT_URL names another schema than DATABASE_URL. Leave ?schema= out of it: the one of DATABASE_URL is used.'
  },
  function metricsHaveTheirOwnPort({ port, metricsPort }) {
    if (metricsPort === undefined || metricsPort === 0 || metricsPort !== port) return undefined
    return `METRICS_PORT (${metricsPort}) must differ from PORT. Set another port, such as METRICS_PORT=9464.`
  },
  function rootSecretsAreLong({ rootSecret: secrets }) {
    const short = secrets?.findIndex((secret) => utf8Length(secret) < minRootSecretBytes) ?? -1
    if (short === -1) return undefined
    return `ROOT_SECRET is a list separated by commas, and number ${short + 1} of it has fewer than ${minRootSecretBytes} bytes. Make one with: openssl rand -base64 48`
  },
  function databaseUrlIsRead({ databaseUrl }) {
    return mustBeRead('DATABASE_URL', databaseUrl, readDatabaseUrl)
  },
  function databaseDirectUrlIsRead({ databaseDirectUrl }) {
    return mustBeRead('DATABASE_DIRECT_URL', databaseDirectUrl, readDatabaseUrl)
  },
  function redisUrlIsRead({ redisUrl }) {
    return mustBeRead('REDIS_URL', redisUrl, readRedisUrl)
  },
  function mailUrlIsRead({ mailUrl }) {
    return mustBeRead('MAIL_URL', mailUrl, readMailUrl)
  },
  function mailHasASender({ mailUrl, mailFrom }) {
    if (mailUrl === undefined || mailFrom !== undefined) return undefined
    return 'MAIL_FROM is required with MAIL_URL: set the sender of mails, such as MAIL_FROM="Example <no-reply@example.com>".'
  },
  function verificationIsMailed({ emailVerification }, { sendsMail }) {
    if (emailVerification !== 'required' || sendsMail) return undefined
    return 'MAIL_URL is required with EMAIL_VERIFICATION=required, which confirms each new account by mail: set it, such as MAIL_URL=smtps://latchkey:secret@smtp.example.com, or set EMAIL_VERIFICATION=optional.'
  },
  function accountUrlIsAnAddress({ accountUrl }) {
    if (accountUrl === undefined || URL.canParse(accountUrl)) return undefined
    return mustBeOf('accountUrl', accountUrl)
  },
  function idleEndsBeforeAbsolute({ refreshIdleTtlSeconds: idle, refreshAbsoluteTtlSeconds: absolute }) {
    if (idle === undefined || absolute === undefined || idle <= absolute) return undefined
    return `REFRESH_IDLE_TTL_SECONDS (${idle}) must not be above REFRESH_ABSOLUTE_TTL_SECONDS (${absolute}). Lower the first or raise the second.`
  },
  function recoveryIsRare({ refreshRecoveryGenerations: generations }) {
    if (generations !== 1) return undefined
    return 'REFRESH_RECOVERY_GENERATIONS=1 would forgive every old token, and so a thief too. Set 0 for none, or 2 or more; 16 is the default.'
  },
  function crossSiteCookiesAreSecure({ cookieSameSite, cookieSecure }) {
    if (cookieSameSite !== 'none' || cookieSecure !== false) return undefined
    return 'COOKIE_SAME_SITE=none needs COOKIE_SECURE=true: browsers otherwise drop the cookies.'
  },
  function issuerIsAnAddress({ issuer, host, port }) {
    if (issuer !== undefined) return URL.canParse(issuer) ? undefined : mustBeOf('issuer', issuer)
    if (host === undefined || port === undefined || URL.canParse(defaultIssuer({ host, port }))) return undefined
    return `HOST must be a host name or an IP address, but is "${host}". For example HOST=127.0.0.1.`
  },
  function originsAreCanonical({ allowedOrigins }) {
    const wrong = allowedOrigins?.find((origin) => originAsSent(origin) !== origin)
    if (wrong === undefined) return undefined
    return `ALLOWED_ORIGINS has "${wrong}", which no browser sends as an origin. Write it as ${originAsSent(wrong) ?? 'https://app.example.com'}.`
  },
  function proxiesAreAddresses({ trustProxy }) {
    const wrong = trustProxy?.find((proxy) => !isProxy(proxy))
    return wrong === undefined ? undefined : mustBeOf('trustProxy', wrong)
  },
  function proxiesAreNotEverybody({ trustProxy }) {
    if (trustProxy === undefined || !trustStrangers(trustProxy)) return undefined
    const wide = trustProxy.find((proxy) => trustStrangers([proxy])) ?? trustProxy.join(',')
    return `TRUST_PROXY has "${wide}", which contains addresses of strangers, and a trusted proxy can claim any address. Name only the networks of your proxies: together no more addresses than an IPv4 /8 or an IPv6 /16. IPv6 addresses that stand for IPv4 addresses, as those of NAT64 and 6to4 do, count as such.`
  },
  function attributesAreNoReservedClaims({ tokenAttributes }) {
    const reserved = tokenAttributes?.find(isReservedClaim)
    if (reserved === undefined) return undefined
    return `TOKEN_ATTRIBUTES has "${reserved}", the name of a claim that Latchkey sets itself. Give the attribute another name.`
  },
  function adminIsComplete({ adminEmail, adminPassword }) {
    if ((adminEmail === undefined) === (adminPassword === undefined)) return undefined
    return 'ADMIN_EMAIL and ADMIN_PASSWORD come together: set both or none.'
  },
  function adminPasswordIsUsed({ adminPassword, passwordLogin }) {
    if (adminPassword === undefined || passwordLogin !== false) return undefined
    return 'ADMIN_PASSWORD has no use with PASSWORD_LOGIN=off. Remove ADMIN_EMAIL and ADMIN_PASSWORD, and let the app give the role admin (startSession), or run: latchkey user set-roles ID admin.'
  },
  function adminEmailIsAnEmail({ adminEmail }) {
    if (adminEmail === undefined || readEmail(adminEmail) !== undefined) return undefined
    return mustBeOf('adminEmail', adminEmail)
  },
  function mailTemplatesAreAFolder({ mailTemplates }) {
    const fault = mailTemplates === undefined ? undefined : faultOfFolder(mailTemplates)
    // The files in it are read later: their mistakes need the words of the package.
    return fault && `MAIL_TEMPLATES must be a folder that can be read, but ${mailTemplates} is not (${fault}).`
  }
]

/** "PORT must be …, but is …. For example PORT=3000." Never shows the value of a secret. */
export function mustBe({ variable, schema }: Setting, value: string): string {
  const found = schema.secret ? 'and the given value (not shown here) is not' : `but is "${value}"`
  const example = String(schema.examples?.[0] ?? schema.default)
  return `${variable} must be ${expectation(schema)}, ${found}. For example ${variable}=${example}.`
}

type ReadUrl = (url: string) => unknown

function mustBeRead(variable: string, url: string | undefined, read: ReadUrl): string | undefined {
  const fault = url === undefined ? undefined : faultOfUrl(url, read)
  return fault === undefined ? undefined : `${variable} ${fault}.`
}

/** Why the URL cannot be read, without anything of it. */
function faultOfUrl(url: string, read: ReadUrl): string | undefined {
  try {
    read(url)
    return undefined
  } catch (error) {
    if (!(error instanceof InvalidUrl)) throw error
    return error.message
  }
}

/** Why the folder cannot be read, as the system's code, such as ENOENT. */
function faultOfFolder(folder: string): string | undefined {
  try {
    readdirSync(folder)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

function mustBeOf(key: keyof Settings, value: string): string | undefined {
  const setting = settings.find((candidate) => candidate.key === key)
  return setting && mustBe(setting, value)
}

/**
 * The `Origin` header that a browser sends (RFC 6454 §6.2). `URL` has no canonical form for the schemes of app shells.
 */
function originAsSent(origin: string): string | undefined {
  if (!URL.canParse(origin)) return undefined
  const { origin: canonical } = new URL(origin)
  return canonical === 'null' ? origin : canonical
}

/** The schema that a URL names, if it can be read and names one. */
function schemaOf(databaseUrl: string | undefined): string | undefined {
  if (databaseUrl === undefined || faultOfUrl(databaseUrl, readDatabaseUrl) !== undefined) return undefined
  return readDatabaseUrl(databaseUrl).schema
}

/** The address of the service if `ISSUER` is not set. */
export function defaultIssuer({ host, port }: Pick<Settings, 'host' | 'port'>): string {
  return `http://${hostInUrl(host)}:${port}`
}

function hostInUrl(host: string): string {
  if (['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host)) return 'localhost'
  // An address in a URL has no zone (RFC 3986 §3.2.2).
  return host.includes(':') ? `[${host.replace(/%.*/, '')}]` : host
}
