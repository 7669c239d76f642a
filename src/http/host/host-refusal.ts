import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'

/**
 * The `code` of a response whose status a hook of the host app chose, where Latchkey has no code of its own for that
 * status. docs/errors.md explains it.
 */
export const refusedByApp = 'refused_by_app'

/** What is read of a thrown value. Hooks throw errors of many kinds, and also plain objects. */
interface Thrown {
  readonly statusCode?: unknown
  readonly status?: unknown
  readonly headers?: unknown
  readonly message?: unknown
  readonly expose?: unknown
}

/**
 * The status that an error asks for, found as Fastify's own error handler finds it: in the error, as http-errors and
 * @fastify/rate-limit set it, or in `reply.code(403)` before the error. Otherwise 500.
 */
export function statusOf(error: unknown, { statusCode: ofReply }: Pick<FastifyReply, 'statusCode'>): number {
  const { statusCode, status } = membersOf(error)
  return [statusCode, status, ofReply].map(Number).find(isFailure) ?? 500
}

function isFailure(status: number): boolean {
  return Number.isInteger(status) && status >= 400 && status <= 599
}

/** The headers that an error carries, as those of http-errors. */
export function headersOf(error: unknown): Readonly<Record<string, string>> {
  const { headers } = membersOf(error)
  if (typeof headers !== 'object' || headers === null) return {}
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))
}

/** The message of a refusal is for the client. That of a failure may reveal how the host works, so it stays hidden. */
export function detailOf(error: unknown, status: number): { readonly detail?: string } {
  const { message, expose } = membersOf(error)
  const isForClient = status < 500 && expose !== false
  return isForClient && typeof message === 'string' && message !== '' ? { detail: message } : {}
}

/** The title of a status for which Latchkey has no code. */
export function titleOf(status: number): string {
  return STATUS_CODES[status] ?? 'The app refused the request'
}

function membersOf(error: unknown): Thrown {
  return typeof error === 'object' && error !== null ? error : {}
}
