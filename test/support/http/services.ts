import type { AddressInfo } from 'node:net'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'

/** A service credential for tests, and the setting that allows it. */
export const serviceSecret = 'a-service-secret-of-32-characters'
export const serviceSettings = { SERVICE_CREDENTIALS: `gateway:${serviceSecret}` }

export function basic(credential: string): string {
  return `Basic ${Buffer.from(credential).toString('base64')}`
}

export const asGateway = { authorization: basic(`gateway:${serviceSecret}`) }

/** Sends a form, with a service credential unless `headers` replaces it. */
export async function postForm(
  app: FastifyInstance,
  url: '/introspect' | '/revoke',
  form: Record<string, string> | string,
  headers: Record<string, string> = asGateway
): Promise<LightMyRequestResponse> {
  return app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams(form).toString()
  })
}

/** The address of an app that listens. */
export function addressOf(app: FastifyInstance): string {
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}
