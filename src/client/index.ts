export { AuthError, type AuthErrorDetails } from './auth-error.js'
export { type AuthClient, createAuthClient } from './client.js'
export type { AuthClientOptions, AuthState, AuthStorage, Mode, Session, SignIn } from './options.js'
