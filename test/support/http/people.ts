import type { FastifyInstance } from 'fastify'
import type { Mode } from '../../../src/core/vocabulary.js'
import { Client } from '../service.js'

/** The names under which `Client` keeps its credentials. */
export const refreshCookie = '__Host-refresh_token'
export const sessionCookie = '__Host-session'

let people = 0

/** An e-mail address that no other test of the file uses. */
export function newEmail(): string {
  people += 1
  return `person-${people}@example.org`
}

export interface Device {
  readonly client: Client
  readonly email: string
}

/** Registers a new user on one device, from the address `from`. */
export async function newPerson(
  app: FastifyInstance,
  mode: Mode = 'cookie',
  device?: string,
  from?: string
): Promise<Device> {
  return signedIn(new Client(app, from), '/register', newEmail(), mode, device)
}

/** Signs the user in on another device. */
export async function anotherDevice(
  app: FastifyInstance,
  { email }: Pick<Device, 'email'>,
  mode: Mode = 'cookie',
  device?: string
): Promise<Device> {
  return signedIn(new Client(app), '/login', email, mode, device)
}

/** A client with the same credentials: a thief, another tab, or the device after a restart. */
export function copyOf(original: Client): Client {
  const copy = new Client(original.app, original.address)
  for (const [name, value] of original.cookies) copy.cookies.set(name, value)
  copy.deviceCookie = original.deviceCookie
  copy.deviceToken = original.deviceToken
  copy.accessToken = original.accessToken
  copy.refreshToken = original.refreshToken
  copy.sessionId = original.sessionId
  return copy
}

async function signedIn(
  client: Client,
  path: '/register' | '/login',
  email: string,
  mode: Mode,
  device: string | undefined
): Promise<Device> {
  const response = await client.signIn(email, { path, mode, ...(device !== undefined && { device }) })
  if (response.statusCode >= 300) throw new Error(`${path} answered ${response.statusCode}: ${response.body}`)
  return { client, email }
}
