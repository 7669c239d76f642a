import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createVerifier } from '../../../src/verifier/index.js'
import { openTestDatabase } from '../../support/database.js'
import { newPerson } from '../../support/http/people.js'
import { postForm, serviceSettings } from '../../support/http/services.js'
import { openService, testEnvironment } from '../../support/service.js'
import { verificationCode } from '../../support/verifier/verifiers.js'

const [one, other] = ['https://one.example', 'https://other.example']
const issuer = testEnvironment.ISSUER ?? ''

function audienceOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).aud
}

for (const JWT_ALG of ['ES256', 'HS256']) {
  t.test(
    `with several audiences an ${JWT_ALG} token names them all, and outlives a change of the setting`,
    async (t) => {
      const database = await openTestDatabase(t, { kind: 'embedded' })
      const open = (AUDIENCE?: string) =>
        openService(t, database, { ...serviceSettings, JWT_ALG, ...(AUDIENCE && { AUDIENCE }) })
      const [byDefault, single, several] = [await open(), await open(one), await open(`${one}, ${other}`)]
      const tokenOf = async (app: typeof single) => (await newPerson(app, 'body')).client.accessToken
      const tokens = {
        byDefault: await tokenOf(byDefault),
        single: await tokenOf(single),
        several: await tokenOf(several)
      }
      t.equal(audienceOf(tokens.byDefault), issuer)
      t.equal(audienceOf(tokens.single), one, 'one audience is a text')
      t.strictSame(audienceOf(tokens.several), [one, other])

      const statusAt = async (app: typeof single, token: string) =>
        (await app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })).statusCode
      t.equal(await statusAt(several, tokens.several), 200)
      t.equal(await statusAt(several, tokens.single), 200, 'a token from before the change')
      t.equal(await statusAt(single, tokens.several), 200, 'and from before the change back')
      t.equal(await statusAt(several, tokens.byDefault), 401, 'a token for none of them')
      t.match((await postForm(several, '/introspect', { token: tokens.several })).json(), {
        active: true,
        aud: [one, other]
      })
      t.match((await postForm(several, '/introspect', { token: tokens.single })).json(), { active: true, aud: one })
      if (JWT_ALG === 'HS256') return

      await several.listen({ port: 0, host: '127.0.0.1' })
      const jwksUrl = `http://127.0.0.1:${(several.server.address() as AddressInfo).port}/.well-known/jwks.json`
      for (const [audience, code] of [
        [one, 'accepted'],
        [other, 'accepted'],
        ['https://third.example', 'invalid_token']
      ] as const) {
        const verifier = createVerifier({ issuer, audience, jwksUrl, warn: () => {} })
        t.equal(await verificationCode(verifier, tokens.several), code, audience)
        await verifier.close()
      }
    }
  )
}
