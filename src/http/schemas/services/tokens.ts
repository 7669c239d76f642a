import { type Static, Type } from 'typebox'
import type { ActiveToken } from '../../../service/clients/introspect.js'
import { text } from '../shared.js'

/** The form of POST /introspect (RFC 7662 §2.1) and POST /revoke (RFC 7009 §2.1). */
export const TokenForm = Type.Object({
  token: text(8192, 'An access, refresh or session token.'),
  token_type_hint: Type.Optional(text(64, 'Ignored: the token itself shows its type.'))
})

export const IntrospectionResponse = Type.Union([
  Type.Object({ active: Type.Literal(false) }),
  Type.Object(
    {
      active: Type.Literal(true),
      token_type: Type.Enum(['Bearer', 'refresh_token', 'session_token'], {
        description: '`Bearer` for an access token. An API must accept no other type.'
      }),
      iss: Type.String(),
      aud: Type.Union([Type.String(), Type.Array(Type.String())], {
        description: 'For an access token a list if `AUDIENCE` has several. For a refresh or session token: the issuer.'
      }),
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
  const { aud, amr, roles, ...claims } = token
  return {
    ...claims,
    active: true,
    aud: typeof aud === 'string' ? aud : [...aud],
    amr: [...amr],
    roles: [...roles]
  }
}
