import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import Fastify from 'fastify'
import pg from 'pg'
import { sha256 } from './sessions.js'

/**
 * The limit: a refresh and a route that do only what no service can leave out. The route does nothing, and the refresh is
 * one prepared UPDATE with one ES256 signature.
 */
const [url, schema] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 10, options: `-c search_path=${schema}` })
const privateKey = createPrivateKey(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
)
const header = Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"1"}').toString('base64url')

const app = Fastify()
app.get('/open', async () => ({ hello: 'world' }))
app.post<{ Body: { refresh_token: string } }>('/refresh', async (request, reply) => {
  const [sid = '', generation = '', secret = ''] = request.body.refresh_token.split('.')
  const { rows } = await pool.query({
    name: 'refresh',
    text: `UPDATE session SET generation = generation + 1, rotated_at = now(), last_used_at = now(),
             idle_expires_at = least(now() + interval '14 days', absolute_expires_at)
           WHERE id = $1 AND generation = $2 AND secret_hash = $3 AND idle_expires_at > now()
           RETURNING user_id, generation`,
    values: [sid, generation, sha256(secret)]
  })
  const [row] = rows
  if (row === undefined) return reply.code(401).send({ code: 'invalid_refresh_token' })
  const iat = Math.floor(Date.now() / 1000)
  const claims = {
    iss: 'http://bench',
    aud: 'http://bench',
    sub: row.user_id,
    sid,
    jti: randomUUID(),
    iat,
    exp: iat + 600
  }
  const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return {
    access_token: `${signed}.${signature.toString('base64url')}`,
    token_type: 'Bearer',
    expires_in: 600,
    refresh_token: `${sid}.${row.generation}.${secret}`
  }
})
const address = await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.(Number(new URL(address).port))
process.on('disconnect', () => process.exit())
