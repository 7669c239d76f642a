import type { FastifyInstance, FastifyRequest } from 'fastify'
import { addressPattern, pathOf } from './exact-addresses.js'

/**
 * Records the methods of each address, so a known address with another method answers 405 with `Allow`
 * (RFC 9110 §15.5.6), not 404.
 */
export function knownMethods(app: FastifyInstance): (request: FastifyRequest) => readonly string[] {
  const methodsByPattern = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return
    const known = methodsByPattern.get(url) ?? { pattern: addressPattern(url), methods: new Set() }
    for (const name of [method].flat()) known.methods.add(name)
    methodsByPattern.set(url, known)
  })
  return (request) => {
    const path = pathOf(request)
    const matches = [...methodsByPattern.values()].filter(({ pattern }) => pattern.test(path))
    return [...new Set(matches.flatMap(({ methods }) => [...methods]))]
  }
}
