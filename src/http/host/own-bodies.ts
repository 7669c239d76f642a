import type { FastifyReply } from 'fastify'
import type { Scope } from '../context.js'

/**
 * Keeps the bodies of the scope's routes as they are. A host's preSerialization hooks and serializers change objects, so
 * the results of handlers become text before these run.
 */
export function keepBodies(scope: Scope): void {
  scope.addHook('onRoute', (route) => {
    const { handler } = route
    route.handler = async function (request, reply) {
      const result: unknown = await handler.call(this, request, reply.serializer(textOf))
      return isPlain(result) ? sendJson(reply, result) : result
    }
  })
}

/** Sends an object as JSON. Use it instead of `reply.send`, which would show the object to a host's hooks. */
export function sendJson(reply: FastifyReply, body: object): FastifyReply {
  if (!reply.hasHeader('content-type')) reply.type('application/json; charset=utf-8')
  return reply.serializer(textOf).send(JSON.stringify(body))
}

function textOf(payload: unknown): string {
  return typeof payload === 'string' ? payload : JSON.stringify(payload)
}

function isPlain(result: unknown): result is object {
  if (typeof result !== 'object' || result === null) return false
  return Array.isArray(result) || Object.getPrototypeOf(result) === Object.prototype
}
