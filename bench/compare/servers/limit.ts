import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import bcrypt from 'bcrypt'
import Fastify from 'fastify'
import { password } from '../clients.js'
import { sha256 } from '../database.js'
import { openStatements } from './limit-database.js'
import { serve } from './serve.js'

/**
 * The limit: routes that do only what no service can leave out. The open route does nothing. A refresh is one prepared
 * UPDATE with one ES256 signature, a logout one prepared DELETE, a login and a registration one bcrypt hash.
 */
const run = await openStatements(process.argv.slice(2))
const privateKey = createPrivateKey(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
)
const header = Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"1"}').toString('base64url')
const cost = 10
const passwordHash = await bcrypt.hash(password, cost)

const app = Fastify()
app.get('/open', async () => ({ hello: 'world' }))
app.post('/login', async () => ({ matches: await bcrypt.compare(password, passwordHash) }))
app.post('/register', async () => ({ hash: await bcrypt.hash(password, cost) }))
app.post<{ Body: { refresh_token: string } }>('/refresh', async (request, reply) => {
  const [sid = '', generation = '', secret = ''] = request.body.refresh_token.split('.')
  const [row] = await run('refresh', [sid, generation, sha256(Buffer.from(secret, 'hex'))])
  if (row === undefined) return reply.code(401).send({ code: 'invalid_refresh_token' })
  return {
    access_token: accessToken(sid, row.user_id),
    token_type: 'Bearer',
    expires_in: 600,
    refresh_token: `${sid}.${row.generation}.${secret}`
  }
})
app.post<{ Body: { refresh_token: string } }>('/logout', async (request, reply) => {
  const [sid = '', , secret = ''] = request.body.refresh_token.split('.')
  const [row] = await run('logout', [sid, sha256(Buffer.from(secret, 'hex'))])
  return reply.code(row === undefined ? 401 : 204).send()
})
await serve(app)

function accessToken(sid: string, userId: string): string {
  const iat = Math.floor(Date.now() / 1000)
  const audience = 'http://bench'
  const claims = { iss: audience, aud: audience, sub: userId, sid, jti: randomUUID(), iat, exp: iat + 600 }
  const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}
