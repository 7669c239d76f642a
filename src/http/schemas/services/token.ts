import { type Static, Type } from 'typebox'
import { maxScopes } from '../../../core/scopes.js'
import type { ClientToken } from '../../../service/clients/issue-client-token.js'
import { text } from '../shared.js'

/** The form of POST /token (RFC 6749 §4.4.2). A parameter without a value counts as left out (§3.2). */
export const TokenRequestForm = Type.Object({
  grant_type: Type.Optional(text(64, '`client_credentials`.')),
  scope: Type.Optional(
    text(65 * maxScopes, 'Scopes of the client, separated by single spaces; all of them if this is left out.')
  ),
  client_id: Type.Optional(text(128, 'With `client_secret`, in place of HTTP Basic.')),
  client_secret: Type.Optional(text(256, 'Refused beside HTTP Basic.'))
})

/** RFC 6749 §5.1. */
export const ClientTokenResponse = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'In seconds.' }),
  scope: Type.String({ description: 'The scopes of the token, separated by spaces.' })
})

export function clientTokenView({ accessToken, expiresInSeconds, scopes }: ClientToken) {
  const view: Static<typeof ClientTokenResponse> = {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: expiresInSeconds,
    scope: scopes.join(' ')
  }
  return view
}

export const tokenErrors = ['invalid_request', 'invalid_client', 'invalid_scope', 'unsupported_grant_type'] as const

/** RFC 6749 §5.2. */
export const TokenError = Type.Object({
  error: Type.Enum([...tokenErrors]),
  error_description: Type.String(),
  error_uri: Type.String({ description: 'The explanation of `error`.' })
})
