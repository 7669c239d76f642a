import { type Static, Type } from 'typebox'
import type { ActiveToken } from '../../../service/clients/introspect.js'
import { text } from '../shared.js'

/** The form of POST /introspect (RFC 7662 §2.1) and POST /revoke (RFC 7009 §2.1). */
export const TokenForm = Type.Object({
  token: text(8192, 'An access, refresh or session token.'),
  token_type_hint: Type.Optional(text(64, 'Ignored: the token itself shows its type.'))
})

const audience = Type.Union([Type.String(), Type.Array(Type.String())], {
  description: 'For an access token a list if `AUDIENCE` has several. For a refresh or session token: the issuer.'
})

export const IntrospectionResponse = Type.Union([
  Type.Object({ active: Type.Literal(false) }),
  Type.Object({
    active: Type.Literal(true),
    token_type: Type.Literal('Bearer'),
    iss: Type.String(),
    aud: audience,
    sub: Type.String({ description: 'The client.' }),
    sid: Type.String({ description: 'The id of the secret with which the client obtained the token.' }),
    client_id: Type.String({ description: 'The client.' }),
    jti: Type.String(),
    iat: Type.Integer(),
    exp: Type.Integer(),
    scope: Type.String({ description: 'The scopes of a machine client. A token with this member is of no user.' })
  }),
  Type.Object(
    {
      active: Type.Literal(true),
      token_type: Type.Enum(['Bearer', 'refresh_token', 'session_token'], {
        description: '`Bearer` for an access token. An API must accept no other type.'
      }),
      iss: Type.String(),
      aud: audience,
      sub: Type.String(),
      sid: Type.String(),
      client_id: Type.String(),
      jti: Type.Optional(Type.String({ description: 'For an access token only.' })),
      iat: Type.Integer({
        description: 'Seconds since the epoch. For a refresh or session token: the start of the session.'
      }),
      exp: Type.Integer({ description: 'Seconds since the epoch.' }),
      auth_time: Type.Integer({ description: 'Seconds since the epoch.' }),
      amr: Type.Array(Type.String()),
      roles: Type.Array(Type.String())
    },
    {
      additionalProperties: true,
      description: 'Also the claims of the host and of `TOKEN_ATTRIBUTES`, for access and session tokens.'
    }
  )
])

/** `undefined` is a token that is unknown, expired or of an ended session: the response does not say which. */
export function introspectionView(token: ActiveToken | undefined): Static<typeof IntrospectionResponse> {
  if (token === undefined) return { active: false }
  const aud = typeof token.aud === 'string' ? token.aud : [...token.aud]
  if ('scope' in token) return { ...token, active: true, aud }
  return { ...token, active: true, aud, amr: [...token.amr], roles: [...token.roles] }
}
