// oidc-provider on PostgreSQL, with the one-table adapter that people write for it and rotating refresh tokens. Access
// tokens are ES256 JWTs, which are not stored.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'
import pg from 'pg'
import { inSchema, serve } from './serve.js'

const [url, schema] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 10, options: inSchema(schema) })
await pool.query(`
  CREATE TABLE oidc (id text, model text, payload jsonb NOT NULL, grant_id text, consumed_at timestamptz,
    expires_at timestamptz, PRIMARY KEY (model, id));
  CREATE INDEX oidc_grant ON oidc (grant_id)`)

const statements = {
  upsert: `INSERT INTO oidc VALUES ($1, $2, $3, $4, NULL, now() + make_interval(secs => $5))
           ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`,
  find: `SELECT payload, consumed_at FROM oidc WHERE id = $1 AND model = $2 AND expires_at > now()`,
  consume: 'UPDATE oidc SET consumed_at = now() WHERE id = $1 AND model = $2',
  destroy: 'DELETE FROM oidc WHERE id = $1 AND model = $2',
  revoke: 'DELETE FROM oidc WHERE grant_id = $1 AND model = $2'
}
const run = (name, values) => pool.query({ name, text: statements[name], values })

class Adapter {
  constructor(model) {
    this.model = model
  }
  async upsert(id, payload, expiresIn) {
    await run('upsert', [id, this.model, payload, payload.grantId, expiresIn])
  }
  async find(id) {
    const [row] = (await run('find', [id, this.model])).rows
    return row && { ...row.payload, ...(row.consumed_at && { consumed: true }) }
  }
  async consume(id) {
    await run('consume', [id, this.model])
  }
  async destroy(id) {
    await run('destroy', [id, this.model])
  }
  async revokeByGrantId(grantId) {
    await run('revoke', [grantId, this.model])
  }
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const api = 'http://api'
const provider = new Provider('http://bench', {
  adapter: Adapter,
  clients: [
    {
      client_id: 'bench',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['http://localhost/done'],
      application_type: 'native',
      id_token_signed_response_alg: 'ES256'
    }
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: '1', alg: 'ES256', use: 'sig' }] },
  cookies: { keys: ['k'.repeat(32)] },
  rotateRefreshToken: true,
  findAccount: async (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => api,
      useGrantedResource: async () => true,
      getResourceServerInfo: async () => ({ scope: 'read', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } })
    }
  }
})

/** A refresh token, as after a login. */
async function start() {
  const client = await provider.Client.find('bench')
  const accountId = crypto.randomUUID()
  const grant = new provider.Grant({ accountId, clientId: 'bench' })
  grant.addOIDCScope('offline_access')
  grant.addResourceScope(api, 'read')
  const grantId = await grant.save()
  const token = new provider.RefreshToken({ accountId, client, grantId, scope: 'offline_access read', resource: api })
  token.gty = 'authorization_code'
  return JSON.stringify({ refresh_token: await token.save() })
}

const handle = provider.callback()
serve(
  createServer((request, response) => {
    if (request.url !== '/start') return handle(request, response)
    start().then(
      (body) => response.setHeader('content-length', body.length).end(body),
      (error) => response.writeHead(500).end(String(error))
    )
  })
)
