import { Type } from 'typebox'
import type { JsonWebKey } from '../../ports/index.js'

export const JwksResponse = Type.Object({
  keys: Type.Array(Type.Unsafe<JsonWebKey>(Type.Record(Type.String(), Type.String(), { description: 'RFC 7517 §4.' })))
})

/** A redirect has no body. The type is `undefined`, because its handler returns nothing. */
export const RedirectResponse = Type.Unsafe<undefined>(Type.Null({ description: 'The address is in `Location`.' }))

const endpointAuth = Type.Array(Type.Enum(['client_secret_basic', 'client_secret_post', 'Bearer']))
export const MetadataResponse = Type.Object({
  issuer: Type.String(),
  jwks_uri: Type.String(),
  token_endpoint: Type.String({ description: 'RFC 6749 §4.4, for machine clients.' }),
  token_endpoint_auth_methods_supported: endpointAuth,
  introspection_endpoint: Type.String({ description: 'RFC 7662.' }),
  introspection_endpoint_auth_methods_supported: endpointAuth,
  revocation_endpoint: Type.String({ description: 'RFC 7009.' }),
  revocation_endpoint_auth_methods_supported: endpointAuth,
  revocation_feed: Type.String({ description: 'The feed of revoked sessions; not part of a standard.' }),
  scopes_supported: Type.Array(Type.String(), { description: 'The scopes of our own routes.' }),
  response_types_supported: Type.Array(Type.String()),
  grant_types_supported: Type.Array(Type.String()),
  service_documentation: Type.Optional(Type.String())
})
