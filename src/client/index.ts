export type {
  AuthClient,
  AuthClientOptions,
  AuthState,
  AuthStorage,
  DeviceSession,
  Mode,
  Registration,
  SignIn
} from './auth-client.js'
export { AuthError, type AuthErrorDetails } from './auth-error.js'
export { createAuthClient } from './client.js'
