import t from 'tap'
import { issueClientToken } from '../../../src/service/clients/issue-client-token.js'
import { openTestDatabase } from '../../support/database.js'
import { openPluginOptions } from '../../support/host.js'
import { openAdminHost } from '../../support/http/admin.js'
import { askForToken, asMachine, claimsOf, type Machine, newMachine, tokenOf } from '../../support/http/clients.js'
import { asGateway, postForm, serviceSecret } from '../../support/http/services.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminHost(t, database, { serviceCredentials: [`gateway:${serviceSecret}`] }, (app) => {
  app.get('/reports', { preHandler: app.latchkey.requireScope('reports:read') }, async () => 'reports')
})

const read = (token: string) => app.inject({ url: '/reports', headers: { authorization: `Bearer ${token}` } })
const codeOf = async (token: string) => (await read(token)).json().code
const activity = async (token: string) => (await postForm(app, '/introspect', { token }, asGateway)).json().active

async function addSecret({ id }: Machine): Promise<Machine> {
  const response = await admin.send('POST', `/admin/clients/${id}/secrets`)
  t.equal(response.statusCode, 201)
  const { secret, secret_id: secretId } = response.json()
  return { id, secret, secretId }
}

t.test('a deleted client gets no token, and all its tokens are refused at once', async (t) => {
  const machine = await newMachine(admin, ['reports:read'])
  const second = await addSecret(machine)
  const tokens = [await tokenOf(app, machine), await tokenOf(app, second)]
  for (const token of tokens) t.equal((await read(token)).body, 'reports')
  t.equal((await admin.send('DELETE', `/admin/clients/${machine.id}`)).statusCode, 204)
  for (const token of tokens) {
    t.equal(await codeOf(token), 'session_revoked')
    t.equal(await activity(token), false)
  }
  for (const credential of [machine, second])
    t.equal((await askForToken(app, credential)).json().error, 'invalid_client')
  t.equal((await admin.send('DELETE', `/admin/clients/${machine.id}`)).statusCode, 404)
})

t.test('deleting one secret ends its tokens and spares those of the other', async (t) => {
  const machine = await newMachine(admin, ['reports:read'])
  const second = await addSecret(machine)
  const [old, next] = [await tokenOf(app, machine), await tokenOf(app, second)]
  const url = `/admin/clients/${machine.id}/secrets/${machine.secretId}`
  t.equal((await admin.send('DELETE', url)).statusCode, 204)
  t.equal(await codeOf(old), 'session_revoked')
  t.equal((await read(next)).body, 'reports')
  t.equal((await askForToken(app, machine)).json().error, 'invalid_client')
  t.equal((await askForToken(app, second)).statusCode, 200)
  t.equal((await admin.send('DELETE', url)).statusCode, 404)
})

t.test('a client has at most two secrets, and a secret of another client is not deleted', async (t) => {
  const [machine, other] = [await newMachine(admin, ['x']), await newMachine(admin, ['x'])]
  await addSecret(machine)
  const third = await admin.send('POST', `/admin/clients/${machine.id}/secrets`)
  t.equal(third.statusCode, 409)
  t.equal(third.json().code, 'too_many_secrets')
  const url = `/admin/clients/${machine.id}/secrets/${other.secretId}`
  t.equal((await admin.send('DELETE', url)).statusCode, 404)
  t.equal((await askForToken(app, other)).statusCode, 200)
})

t.test('a token that is issued while its client is deleted is dead', async (t) => {
  for (let round = 0; round < 20; round++) {
    const machine = await newMachine(admin, ['reports:read'])
    const [issued, deleted] = await Promise.all([
      Promise.all(Array.from({ length: 5 }, () => askForToken(app, machine))),
      admin.send('DELETE', `/admin/clients/${machine.id}`)
    ])
    t.equal(deleted.statusCode, 204)
    for (const response of issued) {
      const { access_token: token, error } = response.json()
      if (token === undefined) t.equal(error, 'invalid_client')
      else t.equal(await codeOf(token), 'session_revoked')
    }
  }
})

t.test(
  'a client that is deleted after its secret was accepted, and before it has its token, gets a token that is refused',
  async (t) => {
    const { ports } = await openPluginOptions(t, database)
    for (const path of ['', '/secrets/:secret']) {
      const { id, secret, secretId } = await newMachine(admin, ['reports:read'])
      const client = await ports.clients.authenticate(id, ports.digest(secret))
      if (client === undefined) return t.fail('the secret is right')
      const url = `/admin/clients/${id}${path.replace(':secret', secretId)}`
      t.equal((await admin.send('DELETE', url)).statusCode, 204)
      const { accessToken } = await issueClientToken(ports, client, undefined)
      t.equal(await codeOf(accessToken), 'session_revoked', 'where the client was deleted')
      t.equal(await activity(accessToken), false)
      const { iat, exp } = claimsOf(accessToken)
      t.equal(iat, Math.floor(client.now / 1000), 'its life began when the secret was read')
      t.equal(exp - iat, 600, 'so the revocation outlives it')
    }
  }
)

t.test('a service that introspects by its id and secret is refused once its secret is deleted', async (t) => {
  const machine = await newMachine(admin, ['latchkey:introspect'])
  const ask = () => postForm(app, '/introspect', { token: 'x' }, asMachine(machine))
  t.equal((await ask()).statusCode, 200)
  t.equal((await ask()).statusCode, 200)
  await admin.send('DELETE', `/admin/clients/${machine.id}`)
  t.equal((await ask()).json().code, 'invalid_credentials')
})

t.test('each change of a client is in the event log', async (t) => {
  const machine = await newMachine(admin, ['x'], 'nightly export')
  const second = await addSecret(machine)
  await admin.send('DELETE', `/admin/clients/${machine.id}/secrets/${machine.secretId}`)
  await admin.send('DELETE', `/admin/clients/${machine.id}`)
  const { events } = (await admin.send('GET', '/admin/events')).json()
  const own = events.filter((event: { client_id: string }) => event.client_id === machine.id).reverse()
  t.match(own, [
    { type: 'client_created', note: 'nightly export', session_id: null },
    { type: 'client_secret_added', note: machine.secret.slice(-4), session_id: machine.secretId },
    { type: 'client_secret_added', session_id: second.secretId },
    { type: 'client_secret_deleted', session_id: machine.secretId },
    { type: 'client_deleted', note: 'nightly export' }
  ])
  t.equal(own.length, 5)
  for (const event of own) t.ok(event.actor_id)
})
