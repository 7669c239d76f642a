import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Client } from '../service.js'
import { basic } from './services.js'

/** A machine client as its administrator sees it once. */
export interface Machine {
  readonly id: string
  readonly secretId: string
  readonly secret: string
}

/** Creates a machine client. */
export async function newMachine(admin: Client, scopes: readonly string[], name = 'reports'): Promise<Machine> {
  const response = await admin.send('POST', '/admin/clients', { payload: { name, scopes } })
  if (response.statusCode !== 201) throw new Error(`POST /admin/clients answered ${response.body}`)
  const { id, secret_id: secretId, secret } = response.json()
  return { id, secretId, secret }
}

/** The header with the client's id and secret. */
export function asMachine({ id, secret }: Pick<Machine, 'id' | 'secret'>) {
  return { authorization: basic(`${id}:${secret}`) }
}

/** Asks for a token, with the credential in the header unless `headers` replaces it. */
export async function askForToken(
  app: FastifyInstance,
  machine: Pick<Machine, 'id' | 'secret'>,
  form: Record<string, string> | string = {},
  headers: Record<string, string> = asMachine(machine)
): Promise<LightMyRequestResponse> {
  const payload = new URLSearchParams(typeof form === 'string' ? form : { grant_type: 'client_credentials', ...form })
  return app.inject({
    method: 'POST',
    url: '/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: payload.toString()
  })
}

/** An access token of the client, with all its scopes. */
export async function tokenOf(app: FastifyInstance, machine: Machine, scope?: string): Promise<string> {
  const response = await askForToken(app, machine, scope === undefined ? {} : { scope })
  if (response.statusCode !== 200) throw new Error(`POST /token answered ${response.body}`)
  return response.json().access_token
}

/** The claims of an access token. */
export function claimsOf(token: string) {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
