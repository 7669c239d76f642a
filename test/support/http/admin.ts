import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { Database } from '../../../src/adapters/prisma/database.js'
import type { Environment, SettingOptions } from '../../../src/config/read-config.js'
import { httpPlugin } from '../../../src/http/plugin.js'
import type { Clock } from '../../../src/ports/runtime.js'
import { newHost, openPluginOptions } from '../host.js'
import { Client, goodPassword, openService } from '../service.js'

export const adminEmail = 'ops@example.org'

/** The service with an admin, and the admin's client. */
export async function openAdminService(
  t: Test,
  database: Database,
  environment: Environment = {},
  clock?: Clock
): Promise<{ readonly app: FastifyInstance; readonly admin: Client }> {
  const app = await openService(
    t,
    database,
    { ADMIN_EMAIL: adminEmail, ADMIN_PASSWORD: goodPassword, ...environment },
    clock
  )
  return { app, admin: await signInAdmin(app) }
}

/** A host of the plugin with routes of its own, and its admin's client. */
export async function openAdminHost(
  t: Test,
  database: Database,
  options: SettingOptions,
  addRoutes: (app: FastifyInstance) => void
): Promise<{ readonly app: FastifyInstance; readonly admin: Client }> {
  await openAdminService(t, database)
  const app = newHost(t)
  await app.register(httpPlugin, await openPluginOptions(t, database, { rateLimitEnabled: false, ...options }))
  addRoutes(app)
  return { app, admin: await signInAdmin(app) }
}

/** Signs in the admin that the service was opened with. */
export async function signInAdmin(app: FastifyInstance): Promise<Client> {
  const admin = new Client(app)
  await admin.signIn(adminEmail, { path: '/login', mode: 'body' })
  return admin
}

/** The id of the user who is signed in at `client`. */
export async function userIdOf(client: Client): Promise<string> {
  return (await client.send('GET', '/me')).json().id
}

/** All pages of a listing, read by following `next_cursor`. */
export async function allPages<Item>(client: Client, url: string, member: string): Promise<Item[][]> {
  const pages: Item[][] = []
  let cursor: string | null = null
  do {
    const next: string = cursor === null ? url : `${url}&cursor=${encodeURIComponent(cursor)}`
    const body = (await client.send('GET', next)).json()
    pages.push(body[member])
    cursor = body.next_cursor
  } while (cursor !== null)
  return pages
}
