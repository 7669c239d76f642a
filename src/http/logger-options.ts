import type { FastifyRequest } from 'fastify'

/** What no log line may show, whatever object somebody logs (ASVS 16.2.5). */
const secretNames = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'current_password',
  'new_password',
  'token',
  'access_token',
  'refresh_token',
  'device_token',
  'client_secret',
  'idempotency-key'
]

/**
 * The service's log: JSON lines of pino, from `level` up. Secrets are struck out by name, at the top
 * of an object, one member down and in headers. A request is logged without its query: no token
 * belongs there, so one that is there was put there by mistake.
 */
export function loggerOptions(level: string) {
  return {
    level,
    redact: { paths: secretNames.flatMap(pathsTo), censor: '[redacted]' },
    serializers: {
      req: ({ method, url, ip }: FastifyRequest) => ({ method, path: url.split('?', 1)[0], ip })
    }
  }
}

function pathsTo(name: string): string[] {
  return [`["${name}"]`, `*["${name}"]`, `*.headers["${name}"]`]
}
