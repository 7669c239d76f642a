import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Refused } from '../service/refused.js'

export const formType = 'application/x-www-form-urlencoded'

/** Makes a form the only body that the routes of `scope` take. A parameter that comes twice is refused (RFC 6749 §3.2). */
export function takeForms(scope: FastifyInstance): void {
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
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    throw new Refused('invalid_request', { errors: [{ field: twice, message: 'came more than once' }] })
  }
  return Object.fromEntries(pairs)
}
