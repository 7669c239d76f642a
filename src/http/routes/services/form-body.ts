import type { FastifyRequest } from 'fastify'
import { Refused } from '../../../service/refused.js'
import type { Scope } from '../../context.js'

export const formType = 'application/x-www-form-urlencoded'

/** Makes forms the only bodies that the scope accepts. A repeated parameter is refused (RFC 6749 §3.2). */
export function takeForms(scope: Scope): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    formType,
    { parseAs: 'string', bodyLimit: 16 * 1024 },
    async (_request: FastifyRequest, body: string) => readForm(body.toString())
  )
}

function readForm(text: string): Readonly<Record<string, string>> {
  const pairs = [...new URLSearchParams(text)]
  const names = pairs.map(([name]) => name)
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) {
    throw new Refused('invalid_request', { errors: [{ field: repeated, message: 'came more than once' }] })
  }
  return Object.fromEntries(pairs)
}
