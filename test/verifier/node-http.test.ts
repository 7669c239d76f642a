import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { newSid, startIssuer } from '../support/verifier/issuer.js'
import { openVerifier, waitUntil, withFeed } from '../support/verifier/verifiers.js'

t.test('createVerifier guards a plain node:http server in six lines', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer, withFeed)
  const server = createServer(async (request, response) => {
    const verdict = await verifier.authenticate(request.headers)
    if (!verdict.ok) return response.writeHead(verdict.status, verdict.headers).end(verdict.body)
    const refused = verifier.refuseWithoutRole(verdict.auth, 'editor')
    if (refused) return response.writeHead(refused.status, refused.headers).end(refused.body)
    response.end(verdict.auth.userId)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ask = (token?: string) =>
    fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })

  const nobody = await ask()
  t.equal(nobody.status, 401)
  t.equal(nobody.headers.get('www-authenticate'), 'Bearer')
  t.match(await nobody.json(), { code: 'missing_credentials' })

  const sid = newSid()
  const token = issuer.token({ sid, sub: 'ada' })
  t.equal(await (await ask(token)).text(), 'ada')
  t.equal((await ask(issuer.token({ roles: [] }))).status, 403)
  issuer.revoke({ sid })
  await waitUntil(async () => (await ask(token)).status === 401)
  t.match(await (await ask(token)).json(), { code: 'session_revoked' })
})
