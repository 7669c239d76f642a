import { fastifyCookie, type SerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'

export type CookieAttributes = SerializeOptions
export type SerializeCookie = (name: string, value: string, attributes: CookieAttributes) => string

/**
 * The serializer of the host's @fastify/cookie, or of ours if the host has none. @fastify/cookie can serialize only once
 * it is registered. Ours is registered in a scope of its own, so the host gains nothing by it.
 */
export async function cookieSerializer(app: FastifyInstance): Promise<SerializeCookie> {
  if (app.hasDecorator('serializeCookie')) return app.serializeCookie
  let own = app.serializeCookie
  const inScope: FastifyPluginAsync = async (scope) => {
    await scope.register(fastifyCookie, { hook: false })
    own = scope.serializeCookie
  }
  await app.register(inScope)
  return own
}
