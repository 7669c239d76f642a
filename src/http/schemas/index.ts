import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { keyStates } from '../../core/key-rotation.js'
import { modes } from '../../core/policy.js'
import { endedReasons } from '../../core/reasons.js'
import { maxRoles, rolePattern } from '../../core/role.js'
import { eventTypes } from '../../ports/events.js'

/**
 * Every body, parameter and response, once: validation, serialization, types and OpenAPI all come
 * from here. Unknown members of a body are ignored; they have no effect.
 */

const text = (maxLength: number, description: string) => Type.String({ maxLength, description })
/** Text that is stored and shown: no NUL, which PostgreSQL refuses, and nothing that commands a terminal. */
const line = (minLength: number, maxLength: number, description: string) =>
  Type.String({ minLength, maxLength, pattern: '^[^\\p{Cc}]*$', description })
const time = Type.String({ format: 'date-time' })
const id = Type.String({ minLength: 1, maxLength: 64, description: 'Opaque.' })
/** An id that somebody names: one that none of ours can be is not asked for in the database. */
const namedId = Type.String({
  pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  description: 'An id that this service gave out.'
})
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

const mode = Type.Enum([...modes], { description: 'How the client holds the session.', default: 'cookie' })
const device = line(1, 100, 'A name for this device.')
/** Longer than any password that is accepted, so that the policy, not the schema, answers. */
const password = text(10_000, 'Exactly as typed; never trimmed or cut.')
const roles = Type.Array(Type.String({ pattern: rolePattern }), { maxItems: maxRoles, uniqueItems: true })
const note = Type.Optional(line(0, 500, 'Why, for the audit log.'))

const signInMembers = {
  email: text(320, 'One account for all spellings of an address.'),
  password,
  mode: Type.Optional(mode),
  device: Type.Optional(device)
}
export const SignInBody = Type.Object(signInMembers)
export const LoginBody = Type.Object({
  ...signInMembers,
  device_token: Type.Optional(
    text(200, 'In `body` mode: what the last login on this device gave; otherwise the cookie is sent.')
  )
})

export const RefreshBody = Type.Object({
  refresh_token: Type.Optional(text(200, 'In `body` mode; otherwise the cookie is sent.'))
})

export const RefreshHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 16,
      maxLength: 255,
      description:
        'One random key per browser or phone and session; lets a refresh whose response was lost be finished later.'
    })
  )
})

export const DeviceBody = Type.Object({ device })
export const PasswordBody = Type.Object({ current_password: password, new_password: password })
export const DeleteAccountBody = Type.Object({ password })
export const UserChangeBody = Type.Object({ disabled: Type.Optional(Type.Boolean()), roles: Type.Optional(roles) })
export const NoteBody = Type.Object({ reason: note })
export const RevokeAllBody = Type.Object({ confirm: Type.Literal('revoke-all') })

export const RotateKeysBody = Type.Object({
  revoke_old: Type.Optional(
    Type.Boolean({ description: 'For a key that has leaked: what the keys until now have signed is refused at once.' })
  ),
  dry_run: Type.Optional(Type.Boolean({ description: 'Only say what would happen, and when.' }))
})

export const IdParams = Type.Object({ id: namedId })

const page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(text(200, '`next_cursor` of the page before.'))
}
/** A filter that is misspelled must not vanish and let everything through, so a query is taken to the letter. */
const query = <T extends TProperties>(members: T) => Type.Object(members, { additionalProperties: false })

export const AllQuery = query({ all: Type.Optional(Type.Boolean({ description: 'End the current one too.' })) })
export const PageQuery = query(page)
export const UsersQuery = query({
  ...page,
  email: Type.Optional(line(1, 320, 'The beginning of an e-mail address.'))
})
export const SessionsQuery = query({
  ...page,
  user_id: Type.Optional(namedId),
  ip: Type.Optional(line(1, 64, 'The address that logged in.'))
})
export const EventsQuery = query({
  ...page,
  type: Type.Optional(Type.Enum([...eventTypes])),
  user_id: Type.Optional(namedId),
  session_id: Type.Optional(namedId)
})

export const TokenResponse = Type.Object({
  access_token: Type.Optional(Type.String({ description: 'A JWT (RFC 9068). Not in `session` mode.' })),
  token_type: Type.Optional(Type.Literal('Bearer')),
  expires_in: Type.Integer({ description: 'Seconds.' }),
  session_id: id,
  refresh_token: Type.Optional(Type.String({ description: 'In `body` mode only.' })),
  refresh_expires_in: Type.Optional(Type.Integer({ description: 'Seconds. In `body` mode only.' })),
  device_token: Type.Optional(
    Type.String({
      description:
        'In `body` mode, from `/register` and `/login` only: keep it, and send it with the next login on this device.'
    })
  )
})

export const MeResponse = Type.Object({
  id,
  email: Type.String(),
  roles: Type.Array(Type.String()),
  created_at: time,
  session_id: id
})

const OwnEvent = Type.Object({
  id,
  type: Type.Enum([...eventTypes]),
  at: time,
  session_id: nullable(id),
  reason: nullable(Type.String()),
  ip: nullable(Type.String()),
  user_agent: nullable(Type.String())
})

const sessionMembers = {
  id,
  mode: Type.Enum([...modes]),
  device: nullable(Type.String()),
  user_agent: nullable(Type.String()),
  ip: nullable(Type.String()),
  created_at: time,
  last_used_at: time,
  expires_at: time
}
export const SessionResponse = Type.Object({ current: Type.Boolean(), ...sessionMembers })
export const SessionsResponse = Type.Object({ sessions: Type.Array(SessionResponse) })
const AdminSession = Type.Object({ user_id: id, current: Type.Boolean(), ...sessionMembers })
const nextCursor = nullable(Type.String())
export const AdminSessionsResponse = Type.Object({ sessions: Type.Array(AdminSession) })
export const AdminSessionsPage = Type.Object({ sessions: Type.Array(AdminSession), next_cursor: nextCursor })

export const UserResponse = Type.Object({
  id,
  email: Type.String(),
  roles: Type.Array(Type.String()),
  disabled: Type.Boolean(),
  created_at: time
})
export const UsersPage = Type.Object({ users: Type.Array(UserResponse), next_cursor: nextCursor })

export const OwnEventsPage = Type.Object({ events: Type.Array(OwnEvent), next_cursor: nextCursor })
export const EventsPage = Type.Object({
  events: Type.Array(
    Type.Object({
      id,
      type: Type.Enum([...eventTypes]),
      at: time,
      user_id: nullable(id),
      session_id: nullable(id),
      actor_id: nullable(id),
      reason: nullable(Type.String()),
      note: nullable(Type.String()),
      ip: nullable(Type.String()),
      user_agent: nullable(Type.String())
    })
  ),
  next_cursor: nextCursor
})

const count = (description: string) => Type.Integer({ minimum: 0, description })
export const CountsResponse = Type.Object({
  sessions: count('Live sessions, of all instances; counted no further than 10,000.'),
  minutes: Type.Array(
    Type.Object({
      at: time,
      logins: count('Logins that succeeded.'),
      refreshes: count('Refreshes that were answered with tokens.'),
      revocations: count("Ended sessions; everybody's at once are one."),
      reuse: count('Sessions ended because an old refresh token came back.')
    }),
    { description: 'The last sixty, oldest first, as the instance that answers counted them.' }
  )
})

const SigningKey = Type.Object({
  kid: nullable(Type.String({ description: 'Null where the key is only foreseen.' })),
  alg: Type.String(),
  state: Type.Enum([...keyStates]),
  created_at: time,
  signs_from: time,
  retires_at: nullable(time)
})
export const KeysResponse = Type.Object({ keys: Type.Array(SigningKey) })
export const RotateKeysResponse = Type.Object({
  dry_run: Type.Boolean(),
  rotated: Type.Boolean({
    description: 'Whether there is a new key, or would be; false where the next one waits already.'
  }),
  keys: Type.Array(SigningKey, { description: 'As they are, or would be.' })
})

/** RFC 7662 §2.1 and RFC 7009 §2.1. The token says by itself of which kind it is, so the hint is not needed. */
export const TokenForm = Type.Object({
  token: text(8192, 'An access, refresh or session token.'),
  token_type_hint: Type.Optional(text(64, 'Not needed.'))
})

export const IntrospectionResponse = Type.Union([
  Type.Object({ active: Type.Literal(false) }),
  Type.Object({
    active: Type.Literal(true),
    token_type: Type.Enum(['Bearer', 'refresh_token', 'session_token'], {
      description: '`Bearer` for an access token, the only one that an API may take.'
    }),
    iss: Type.String(),
    aud: Type.String({ description: 'Of a refresh or session token: the issuer.' }),
    sub: Type.String(),
    sid: Type.String(),
    client_id: Type.String(),
    jti: Type.Optional(Type.String({ description: 'Of an access token.' })),
    iat: Type.Integer({ description: 'Seconds since the epoch; for the others when the session began.' }),
    exp: Type.Integer({ description: 'Seconds since the epoch.' }),
    auth_time: Type.Integer(),
    amr: Type.Array(Type.String()),
    roles: Type.Array(Type.String())
  })
])

export const FeedHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ pattern: '^[0-9]{1,18}$', description: 'The last `id` that was seen; what came after it follows.' })
  )
})
export const FeedResponse = Type.String({
  description:
    'Server-sent events, `event: revocation` with the data `{sid, reason, at, expires_at}`: `sid` null is everybody. Then `event: keys` with the data `{kids}`, the keys of the JWK Set, now and whenever they change: what another key has signed is refused. Then `event: ready` once, and a comment every second in which nothing is told, while this instance knows everything. An entry can come twice.'
})

export const RevokedResponse = Type.Object({ revoked: Type.Integer() })
export const NoContent = Type.Null({ description: 'Done; nothing to say.' })
export const HealthResponse = Type.Object({ status: Type.Literal('ok') })
export const MetricsResponse = Type.String({ description: 'docs/operations.md says what each metric means.' })

export const JwksResponse = Type.Object({
  keys: Type.Array(Type.Record(Type.String(), Type.String(), { description: 'RFC 7517 §4.' }))
})

const endpointAuth = Type.Array(Type.Literal('client_secret_basic'))
export const MetadataResponse = Type.Object({
  issuer: Type.String(),
  jwks_uri: Type.String(),
  introspection_endpoint: Type.Optional(Type.String({ description: 'RFC 7662.' })),
  introspection_endpoint_auth_methods_supported: Type.Optional(endpointAuth),
  revocation_endpoint: Type.Optional(Type.String({ description: 'RFC 7009.' })),
  revocation_endpoint_auth_methods_supported: Type.Optional(endpointAuth),
  revocation_feed: Type.Optional(Type.String({ description: 'The feed of revoked sessions; ours alone.' })),
  response_types_supported: Type.Array(Type.String()),
  grant_types_supported: Type.Array(Type.String()),
  service_documentation: Type.String()
})

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'The address of the explanation of `code`.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    code: Type.String({ description: 'Stable: what programs decide by.' }),
    reason: Type.Optional(Type.Enum([...endedReasons], { description: 'With `session_ended`.' })),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() })))
  },
  { description: 'RFC 9457' }
)
export type Problem = Static<typeof Problem>
