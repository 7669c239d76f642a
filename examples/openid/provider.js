import { createHash, randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/**
 * A small OpenID provider, for this example alone: it signs in whom `login_hint` names and asks for no password. It has
 * what a client of the authorization code flow with PKCE needs (OpenID Connect Core §3.1, RFC 7636).
 */
export async function buildProvider({ issuer, clientId, clientSecret, people }) {
  const app = Fastify()
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }]
  const codes = new Map()

  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, async (_request, text) =>
    Object.fromEntries(new URLSearchParams(text))
  )

  app.get('/jwks', async () => ({ keys }))

  app.get('/authorize', async ({ query }, reply) => {
    const person = people[query.login_hint]
    if (query.client_id !== clientId || person === undefined) return reply.code(400).send()
    const code = randomUUID()
    codes.set(code, { person, challenge: query.code_challenge, nonce: query.nonce })
    return reply.redirect(`${query.redirect_uri}?${new URLSearchParams({ code, state: query.state })}`)
  })

  app.post('/token', async ({ body }, reply) => {
    const granted = codes.get(body.code)
    codes.delete(body.code)
    const challenge = createHash('sha256').update(body.code_verifier).digest('base64url')
    if (body.client_secret !== clientSecret || granted?.challenge !== challenge) {
      return reply.code(400).send({ error: 'invalid_grant' })
    }
    const { person, nonce } = granted
    const token = new SignJWT({ ...person, nonce })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(issuer)
      .setAudience(clientId)
      .setIssuedAt()
      .setExpirationTime('1 min')
    return { token_type: 'Bearer', access_token: randomUUID(), id_token: await token.sign(privateKey) }
  })

  return app
}
