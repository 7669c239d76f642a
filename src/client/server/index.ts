export type { Auth } from '../../core/access-claims.js'
export type * from '../../core/custom-claims.js'
export { AuthError, type AuthErrorDetails } from '../auth-error.js'
export { createServerClient } from './create-server-client.js'
export type {
  Authentication,
  BrowserRequest,
  ServerClient,
  ServerClientOptions,
  TokenVerifier
} from './server-client.js'
