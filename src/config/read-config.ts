import { Check, Errors } from 'typebox/value'
import { readDatabaseUrl } from '../addresses/database-url.js'
import { nearestName } from '../core/nearest-name.js'
import { refreshTimeoutSeconds, safeGraceSeconds } from '../core/policy.js'
import { type CookieNameSuffixes, cookieNameSuffixes } from './cookie-name-suffixes.js'
import { defaultIssuer, mustBe, rules } from './rules.js'
import { type SettingSchema, type Settings, settings, settingsSchema } from './schema.js'

type Frozen<T> = { readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? readonly Item[] : T[K] }

/**
 * All settings, checked, complete and frozen. Made by `loadConfig` or `createConfig`; docs/configuration.md explains
 * each.
 */
export type Config = Frozen<
  Omit<Settings, 'issuer' | 'accountUrl' | 'nodeEnv' | 'cookieNameSuffix'> & {
    issuer: string
    accountUrl: string
    production: boolean
  }
> & { readonly cookieNameSuffixes: CookieNameSuffixes }

/** Environment variables, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Thrown for wrong settings. `problems` has one line for each mistake, which names the setting and a valid value, and
 * `message` has all of them. Neither shows a secret.
 *
 * @example
 * ```ts
 * import { ConfigError, loadConfig } from 'latchkey'
 *
 * try {
 *   loadConfig({ PORT: 'http' })
 * } catch (error) {
 *   if (error instanceof ConfigError) console.log(error.problems[0]) // PORT must be a whole number from 0 to 65535, …
 * }
 * ```
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(readonly problems: readonly string[]) {
    super(`The settings are not valid:\n${problems.map((line) => `  - ${line}`).join('\n')}`)
  }
}

/**
 * The settings by name, as values. A setting that is missing or undefined gets its default. A flag can also be `'on'` or
 * `'off'`, and a list can be the text of its environment variable, such as `'https://a.example,https://b.example'`.
 */
export type SettingOptions = {
  readonly [K in keyof Settings]?: OptionValue<Frozen<Settings>[K]> | undefined
}

type OptionValue<T> = T extends readonly string[] ? T | T[number] : T extends boolean ? T | 'on' | 'off' : T

/**
 * Reads the settings from environment variables; an empty value counts as not set. Throws one `ConfigError` with all
 * mistakes, and calls `warn` for values that are allowed but probably wrong. No message shows a secret. With `hasMailer`,
 * the app is built with a `mailer`, which sends mails in place of `MAIL_URL`.
 *
 * @example
 * ```ts
 * import { loadConfig } from 'latchkey'
 *
 * const config = loadConfig({ PORT: '8080', MODES: 'cookie,body' }, (warning) => console.warn(warning))
 * console.log(config.port, config.modes, config.accessTokenTtlSeconds) // 8080 [ 'cookie', 'body' ] 600
 * ```
 */
export function loadConfig(
  environment: Environment,
  warn: (warning: string) => void = () => {},
  given: { readonly hasMailer?: boolean } = {}
): Config {
  const config = createConfig(readSettings(environment), warn, given)
  for (const variable of unknownVariables(environment)) warn(variable)
  return config
}

/**
 * Completes and checks settings given by name, as values. Throws and warns as `loadConfig` does.
 *
 * @example
 * ```ts
 * import { createConfig } from 'latchkey'
 *
 * const config = createConfig({ port: 8080, modes: ['body'] })
 * console.log(config.modes, config.issuer) // [ 'body' ] http://localhost:8080
 * ```
 */
export function createConfig(
  options: { readonly [K in keyof SettingOptions]: unknown },
  warn: (warning: string) => void = () => {},
  { hasMailer = false }: { readonly hasMailer?: boolean } = {}
): Config {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const values = given.map(([key, value]) => [key, readOption(key, value)] as const)
  const read: Record<string, unknown> = { ...defaultSettings(), ...Object.fromEntries(values) }
  const faulty = faultyKeys(read)
  const sound: Partial<Settings> = Object.fromEntries(Object.entries(read).filter(([key]) => !faulty.has(key)))
  const problems = [
    ...settings.filter(({ key }) => faulty.has(key)).map((setting) => mustBe(setting, String(read[setting.key]))),
    ...rules
      .map((rule) => rule(sound, { sendsMail: hasMailer || read.mailUrl !== undefined }))
      .filter((problem) => problem !== undefined),
    ...given.flatMap(([key]) => (keys.some((known) => known === key) ? [] : [notAnOption(key, keys)]))
  ]
  if (problems.length > 0 || !Check(settingsSchema, read)) throw new ConfigError(problems)

  const { nodeEnv, cookieNameSuffix, ...rest } = read
  const issuer = read.issuer ?? defaultIssuer(read)
  const config = {
    ...rest,
    issuer,
    audience: read.audience.length > 0 ? read.audience : [issuer],
    accountUrl: read.accountUrl ?? `${issuer.replace(/\/+$/, '')}/account`,
    production: nodeEnv === 'production',
    cookieNameSuffixes: cookieNameSuffixes(cookieNameSuffix, issuer)
  }
  if (config.production && read.issuer === undefined) {
    warn(
      `ISSUER is not set, so access tokens name ${issuer}. Set it to the address at which clients reach this service.`
    )
  }
  const { refreshGraceSeconds } = config
  if (refreshGraceSeconds > 0 && refreshGraceSeconds < safeGraceSeconds) {
    warn(
      `With REFRESH_GRACE_SECONDS=${refreshGraceSeconds}, a refresh that takes ${refreshGraceSeconds / 2} s or more can sign a user out, because clients wait ${refreshTimeoutSeconds} s for it. Set ${safeGraceSeconds} or more, or 0 for strict rotation.`
    )
  }
  const ignored = config.databaseUrl === undefined ? [] : readDatabaseUrl(config.databaseUrl).ignored
  if (ignored.length > 0) warn(`DATABASE_URL has ${ignored.join(', ')}, which does nothing here: remove it.`)
  for (const value of Object.values(config)) Object.freeze(value)
  return Object.freeze(config)
}

const keys = settings.map(({ key }) => key)

/** Says that there is no such option, and which of `names` was probably meant. */
export function notAnOption(written: string, names: readonly string[]): string {
  return `${written} is not an option. ${didYouMean(written, names)}`
}

function didYouMean(written: string, names: readonly string[], maxMistakes?: number): string {
  const near = nearestName(written, names, maxMistakes)
  return near === undefined ? 'docs/configuration.md lists the settings.' : `Did you mean ${near}?`
}

/** Where the database is. */
export type DatabaseConfig = Pick<Config, (typeof databaseKeys)[number]>

const databaseKeys = ['databaseUrl', 'databaseDirectUrl', 'dataDir'] as const satisfies readonly (keyof Config)[]

/**
 * Only the settings that name the database: for `latchkey migrate`, which needs no secret. Throws as `loadConfig` does,
 * and does not look at the other settings.
 */
export function loadDatabaseConfig(environment: Environment): DatabaseConfig {
  const isOfDatabase = (key: string) => databaseKeys.some((known) => known === key)
  return createConfig(
    Object.fromEntries(Object.entries(readSettings(environment)).filter(([key]) => isOfDatabase(key)))
  )
}

/** The configuration of this process. */
export function configFromProcess(warn?: (warning: string) => void): Config {
  return loadConfig(process.env, warn)
}

/** Where this process has its database. */
export function databaseConfigFromProcess(): DatabaseConfig {
  return loadDatabaseConfig(process.env)
}

/** The values in the environment, parsed but not checked. */
function readSettings(environment: Environment): Record<string, unknown> {
  const given = settings.flatMap(({ key, variable, schema }) => {
    const text = environment[variable]
    return text === undefined || text === '' ? [] : [[key, parse(schema, text)] as const]
  })
  return Object.fromEntries(given)
}

/** Reads flags and lists that are texts. Lists are copied, so that a later change by the caller has no effect. */
function readOption(key: string, value: unknown): unknown {
  if (Array.isArray(value)) return [...value]
  const schema = settings.find((setting) => setting.key === key)?.schema
  const isRead = schema?.type === 'array' || schema?.type === 'boolean'
  return isRead && typeof value === 'string' ? parse(schema, value) : value
}

function defaultSettings(): Record<string, unknown> {
  const defaults = settings.map(({ key, schema }) => [key, structuredClone(schema.default)] as const)
  return Object.fromEntries(defaults.filter(([, value]) => value !== undefined))
}

const flagWords: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['on', true],
  ['false', false],
  ['off', false]
])

/** The value of `text`, or `text` itself if it cannot be parsed, so that the schema refuses it. */
function parse(schema: SettingSchema, text: string): unknown {
  const trimmed = text.trim()
  if (schema.type === 'integer') return /^\d+$/.test(trimmed) ? Number(trimmed) : text
  if (schema.type === 'boolean') return flagWords.get(trimmed) ?? text
  if (schema.type === 'array') return trimmed.split(',').map((item) => item.trim())
  return text
}

function faultyKeys(read: Record<string, unknown>): Set<string> {
  return new Set(Errors(settingsSchema, read).map((error) => error.instancePath.split('/')[1] ?? ''))
}

/** Warnings for variables that are probably misspelt, and for LATCHKEY_…, with which none of our variables begins. */
function unknownVariables(environment: Environment): string[] {
  const variables = settings.map(({ variable }) => variable)
  return Object.keys(environment).flatMap((name) => {
    if (name.startsWith('LATCHKEY_')) {
      return [`${name} is not a setting and does nothing. ${didYouMean(name.slice('LATCHKEY_'.length), variables)}`]
    }
    const near = nearestName(name, variables, 1)
    if (near === undefined || near === name || environment[near] !== undefined) return []
    // The variables of other programs are often near to a short name, as HOSTS is.
    return near.length >= minMisspeltLength ? [`${name} is not a setting and does nothing. Did you mean ${near}?`] : []
  })
}

const minMisspeltLength = 6
