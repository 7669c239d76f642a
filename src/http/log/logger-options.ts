import type { FastifyRequest } from 'fastify'
import { clientAddress } from '../client-address.js'

/** Members that no log line may show, in any logged object (ASVS 16.2.5). */
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
 * Options of the service's log: JSON lines of pino, from `level` up. Secrets are redacted by name: in an object, in its
 * members, and in the headers of its members. A request is logged without its query, and without the parts of its path
 * that are too long to be ours, because a client may put a token there by mistake.
 */
export function loggerOptions(level: string) {
  return {
    level,
    redact: { paths: secretNames.flatMap(pathsTo), censor: '[redacted]' },
    serializers: {
      req: (request: FastifyRequest) => ({
        method: request.method,
        path: request.url.split('?', 1)[0]?.replace(longPart, '[redacted]'),
        ip: clientAddress(request)
      })
    }
  }
}

/** The longest parts of our paths are ids of 36 characters; every token is longer, also in percent-encoding. */
const longPart = /[^/]{41,}/g

function pathsTo(name: string): string[] {
  return [`["${name}"]`, `*["${name}"]`, `*.headers["${name}"]`]
}
