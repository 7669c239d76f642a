import { password } from '../processes/device.js'

/** Settings that the processes of a fleet share. */

export const issuer = 'https://auth.test'

export const serviceCredential = { id: 'gateway', secret: 'a-service-secret-of-32-characters' }

export const adminEmail = 'ops@example.com'

export const instanceSettings = {
  ISSUER: issuer,
  ROOT_SECRET: 'a root secret for tests of more than 32 bytes',
  SERVICE_CREDENTIALS: `${serviceCredential.id}:${serviceCredential.secret}`,
  ADMIN_EMAIL: adminEmail,
  ADMIN_PASSWORD: password,
  LOG_LEVEL: 'warn',
  // Short, so that devices rotate many times within a run.
  REFRESH_GRACE_SECONDS: '2'
} as const
