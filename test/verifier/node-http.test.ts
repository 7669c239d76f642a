import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { newSid, startIssuer } from '../support/verifier/issuer.js'
import { openVerifier, waitUntil, withFeed } from '../support/verifier/verifiers.js'

t.test('createVerifier guards a plain node:http server in six lines', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer, withFeed)
  const server = createServer(async (request, response) => {
    const result = await verifier.authenticate(request.headers)
    if (!result.ok) return response.writeHead(result.status, result.headers).end(result.body)
    const refusal = verifier.refuseWithoutRole(result.auth, 'editor')
    if (refusal) return response.writeHead(refusal.status, refusal.headers).end(refusal.body)
    response.end(result.auth.userId)
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
