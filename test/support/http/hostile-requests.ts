// Generates hostile requests. Long, because it has a generator for each part of a request.
import fc from 'fast-check'
import { hostileBodies, hostileNames, hostileValues } from './hostile-json.js'
import type { NamedOperation } from './specification.js'

/** Whose credential a request carries. */
const senders = ['nobody', 'person', 'server-side session', 'admin', 'service', 'damaged', 'two at once'] as const
export type Sender = (typeof senders)[number]

/** A generated request, before real credentials and ids are filled in. */
export interface HostileRequest {
  readonly sender: Sender
  readonly parameters: Readonly<Record<string, string>>
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: HostileBody | undefined
}

export type HostileBody =
  | { readonly kind: 'raw'; readonly type: string; readonly content: string | Buffer }
  | { readonly kind: 'members'; readonly members: readonly (readonly [name: string, value: unknown])[] }

/** A placeholder for a real id or password, filled in when the request is sent. */
export const placeholder = {
  ownSession: '{own session}',
  othersSession: '{session of another}',
  ownUser: '{own user}',
  othersUser: '{another user}',
  ownPassword: '{own password}',
  ownEmail: '{own e-mail}',
  newEmail: '{new e-mail}',
  ownRefreshToken: '{own refresh token}'
} as const

const placeholders = fc.constantFrom(...Object.values(placeholder))
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(...hostileValues.filter((value) => typeof value === 'string'))
)
const anything = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...hostileValues) },
  { weight: 2, arbitrary: placeholders },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<unknown> },
  { weight: 1, arbitrary: text }
)

interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly items?: Schema
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Schema>>
}

/** Values that the schema allows, including its limits. */
function fitting({
  type,
  enum: values,
  const: only,
  items,
  minLength = 0,
  maxLength = 64,
  ...rest
}: Schema): fc.Arbitrary<unknown> {
  if (only !== undefined) return fc.constant(only)
  if (values !== undefined) return fc.constantFrom(...values)
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer') return fc.integer({ min: rest.minimum ?? -10, max: rest.maximum ?? 300 })
  if (type === 'array') return fc.array(fitting(items ?? {}), { maxLength: Math.min(rest.maxItems ?? 5, 40) })
  return fc.oneof(
    placeholders,
    fc.constantFrom(
      'a',
      'admin',
      'new password of some length',
      'x'.repeat(minLength),
      'x'.repeat(maxLength),
      'x'.repeat(maxLength + 1)
    ),
    text
  )
}

/** A placeholder for a real value of that name, if there is one. */
const knownByName: Readonly<Record<string, readonly string[]>> = {
  email: [placeholder.ownEmail, placeholder.newEmail],
  password: [placeholder.ownPassword],
  current_password: [placeholder.ownPassword],
  refresh_token: [placeholder.ownRefreshToken],
  token: [placeholder.ownRefreshToken],
  user_id: [placeholder.ownUser, placeholder.othersUser],
  session_id: [placeholder.ownSession, placeholder.othersSession]
}

/** A member of a body or query, valid in most cases. */
function member(name: string, schema: Schema): fc.Arbitrary<unknown> {
  const known = knownByName[name]
  return fc.oneof(
    { weight: 8, arbitrary: known === undefined ? fitting(schema) : fc.constantFrom(...known) },
    { weight: 1, arbitrary: fitting(schema) },
    { weight: 2, arbitrary: anything }
  )
}

const sometimes = <T>(list: fc.Arbitrary<T[]>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant<T[]>([]) }, { weight: 2, arbitrary: list })

const rarely = <T>(usual: fc.Arbitrary<T>, otherwise: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: usual }, { weight: 2, arbitrary: otherwise })

function bodySchema({ operation }: NamedOperation): Schema {
  return Object.values(operation.requestBody?.content ?? {})[0]?.schema ?? {}
}

/** Bodies for an operation: some members valid, some not. */
function bodies(named: NamedOperation): fc.Arbitrary<HostileBody | undefined> {
  const { operation, method } = named
  const type = Object.keys(operation.requestBody?.content ?? {})[0] ?? 'application/json'
  const { properties = {} } = bodySchema(named)
  const known = Object.entries(properties).map(([name, schema]) =>
    fc.option(member(name, schema), { nil: undefined, freq: 8 }).map((value) => [name, value] as const)
  )
  const unknown = sometimes(fc.array(fc.tuple(fc.constantFrom(...hostileNames), anything), { maxLength: 2 }))
  const members = fc.tuple(fc.tuple(...known), unknown).map(([some, more]) => ({
    kind: 'members' as const,
    members: [...some.filter(([, value]) => value !== undefined), ...more]
  }))
  const raw = fc
    .tuple(
      fc.constantFrom(type, type, type, ...contentTypes),
      fc.oneof(
        fc.constantFrom<string | Buffer>(...hostileBodies),
        fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
      )
    )
    .map(([type, content]) => ({ kind: 'raw' as const, type, content }))
  if (method === 'get') return fc.constant(undefined)
  return fc.oneof(
    { weight: 7, arbitrary: members },
    { weight: 3, arbitrary: raw },
    { weight: 1, arbitrary: fc.constant(undefined) }
  )
}

const contentTypes = [
  'application/json',
  'application/json\t',
  'application/json; charset=utf-16',
  'application/json;',
  'APPLICATION/JSON',
  'application/problem+json',
  'text/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'x',
  ';'
]

function parameters({ operation }: NamedOperation, where: string): readonly (readonly [string, Schema])[] {
  return (operation.parameters ?? []).flatMap((parameter) =>
    parameter.in === where ? [[parameter.name, parameter.schema as Schema] as const] : []
  )
}

/** A part of an address. It cannot contain a lone surrogate. */
const encoded = (value: unknown) =>
  encodeURIComponent(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString())

function queries(named: NamedOperation): fc.Arbitrary<string> {
  const known = parameters(named, 'query').map(([name, schema]) =>
    fc.option(member(name, schema), { nil: undefined, freq: 2 }).map((value) => [name, value] as const)
  )
  const names = fc.constantFrom('x', ...hostileNames, ...parameters(named, 'query').map(([name]) => name))
  const unknown = fc.array(fc.tuple(names, anything), { maxLength: 1 })
  const pairs = fc
    .tuple(fc.tuple(...known), sometimes(unknown))
    .map(([some, more]) =>
      [...some.filter(([, value]) => value !== undefined), ...more]
        .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
        .join('&')
    )
  return fc.oneof(
    { weight: 5, arbitrary: pairs },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '',
        '&',
        '=',
        '?',
        '%',
        '%00',
        '%ff',
        '[]=1',
        'limit[$gt]=1',
        '__proto__[roles]=admin',
        '#'
      )
    }
  )
}

function headers(named: NamedOperation): fc.Arbitrary<Record<string, string>> {
  const known = parameters(named, 'header').map(([name, schema]) => [name, schema] as const)
  const value = fc.constantFrom(
    '',
    '0',
    '1',
    '-1',
    '99999999999999999999',
    'x'.repeat(15),
    'x'.repeat(16),
    'x'.repeat(255),
    'x'.repeat(256),
    'a b',
    'é'
  )
  const common = fc.constantFrom(
    {},
    {},
    {},
    { 'x-http-method-override': 'DELETE' },
    { 'x-forwarded-for': '::1, 10.0.0.1', 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'javascript' },
    { 'x-original-url': '/healthz', 'x-rewrite-url': '/healthz' },
    { accept: 'text/html', 'accept-encoding': 'gzip;q=9', 'accept-language': '*' },
    { 'user-agent': '\u00ff\u0080'.repeat(300) },
    { 'user-agent': '' },
    { origin: 'https://auth.test', 'sec-fetch-site': 'same-origin' },
    { origin: 'null', 'sec-fetch-site': 'cross-site' },
    { 'content-encoding': 'gzip' },
    { expect: '100-continue' },
    { 'if-none-match': '*', range: 'bytes=0-0' },
    { host: 'evil.test:99999' },
    { host: '' }
  )
  return fc
    .tuple(
      common,
      ...known.map(([name]) => fc.option(value, { nil: undefined }).map((value) => [name, value] as const))
    )
    .map(([some, ...more]) => ({
      ...some,
      ...Object.fromEntries(more.filter((pair): pair is [string, string] => pair[1] !== undefined))
    }))
}

const schemesOf = ({ operation }: NamedOperation) => (operation.security ?? []).flatMap(Object.keys)

/** The caller that the guard of an operation accepts. */
function acceptedSender(named: NamedOperation): Sender {
  if (schemesOf(named).includes('service')) return 'service'
  return named.path.startsWith('/admin') ? 'admin' : 'person'
}

function idsAt({ path }: NamedOperation): readonly string[] {
  return path.startsWith('/admin/users')
    ? [placeholder.ownUser, placeholder.othersUser]
    : [placeholder.ownSession, placeholder.othersSession]
}

/** A valid value of the member with that name. */
function plain(name: string, { enum: values, const: only, type }: Schema): unknown {
  if (name in knownByName) return knownByName[name]?.[0]
  if (only !== undefined) return only
  if (values !== undefined) return values[0]
  if (type === 'boolean') return false
  return type === 'array' ? [] : 'new password of some length'
}

/** Requests with each member set to each of `values`, and all other members valid. */
export function oneWrongMember(named: NamedOperation, values: readonly unknown[]): HostileRequest[] {
  const usual = { sender: acceptedSender(named), parameters: { id: idsAt(named)[0] ?? '' }, query: '', headers: {} }
  const members = Object.entries(bodySchema(named).properties ?? {})
  const bodies = members.flatMap(([wrong]) =>
    values.map((value) => ({
      kind: 'members' as const,
      members: members.map(([name, schema]) => [name, name === wrong ? value : plain(name, schema)] as const)
    }))
  )
  const queries = parameters(named, 'query').flatMap(([name]) => values.map((value) => `${name}=${encoded(value)}`))
  return [
    ...bodies.map((body) => ({ ...usual, body })),
    ...queries.map((query) => ({ ...usual, query, body: undefined }))
  ]
}

/** Hostile requests to one operation, mostly with a credential that its guard accepts, so they reach the handler. */
export function hostileRequests(named: NamedOperation): fc.Arbitrary<HostileRequest> {
  const { path } = named
  // Admins must not change their own account, because they could not sign in again.
  const others = senders.filter((sender) => sender !== 'admin' || path.startsWith('/admin'))
  return fc.record({
    sender: fc.oneof(
      { weight: 3, arbitrary: fc.constant(acceptedSender(named)) },
      { weight: 2, arbitrary: fc.constantFrom(...others) }
    ),
    parameters: fc.record({
      id: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...idsAt(named)) },
        { weight: 3, arbitrary: fc.oneof(placeholders, fc.uuid(), text.map(encoded)) }
      )
    }),
    query: rarely(fc.constant(''), queries(named)),
    headers: headers(named),
    body: bodies(named)
  })
}
