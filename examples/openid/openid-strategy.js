import { createHash, randomBytes } from 'node:crypto'
import { Strategy } from '@fastify/passport'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const random = () => randomBytes(32).toString('base64url')

/**
 * A strategy of Passport for an OpenID provider: the authorization code flow with PKCE. `state`, `nonce` and the verifier
 * are in the browser's own session, so another site cannot sign the browser in to an account of its choice.
 */
export class OpenIdStrategy extends Strategy {
  constructor(provider) {
    super('openid')
    this.provider = provider
    this.keys = createRemoteJWKSet(new URL(`${provider.issuer}/jwks`))
  }

  async authenticate(request) {
    const { code, state, login_hint: hint } = request.query
    if (code === undefined) return this.redirect(this.begin(request.session, hint))

    const begun = request.session.get('openid')
    request.session.set('openid', undefined)
    if (begun === undefined || begun.state !== state) return this.fail(400)
    return this.success(await this.personOf(code, begun))
  }

  /** The address at which the provider asks the person. */
  begin(session, hint = '') {
    const begun = { state: random(), nonce: random(), verifier: random() }
    session.set('openid', begun)
    const { issuer, clientId, redirectUri } = this.provider
    const parameters = new URLSearchParams({
      response_type: 'code',
      scope: 'openid email',
      client_id: clientId,
      redirect_uri: redirectUri,
      state: begun.state,
      nonce: begun.nonce,
      code_challenge: createHash('sha256').update(begun.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      login_hint: hint
    })
    return `${issuer}/authorize?${parameters}`
  }

  /** The claims of the ID token that the provider gives for the code. */
  async personOf(code, { nonce, verifier }) {
    const { issuer, clientId, clientSecret, redirectUri } = this.provider
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
      client_id: clientId,
      client_secret: clientSecret
    })
    const response = await fetch(`${issuer}/token`, { method: 'POST', body })
    if (!response.ok) throw new Error('The provider refused the code.')
    const { id_token: token } = await response.json()
    const { payload } = await jwtVerify(token, this.keys, { issuer, audience: clientId, algorithms: ['ES256'] })
    if (payload.nonce !== nonce) throw new Error('The ID token is the answer to another request.')
    return payload
  }
}
