import t from 'tap'
import { formatToken, signedBytes } from '../../../src/core/opaque-token.js'
import { TokenHolder } from '../../../src/race-kit/players/token-holder.js'
import { issuedToken } from '../../../src/race-kit/record/refresh-token.js'

const sid = '00000000-0000-4000-8000-000000000001'
const text = formatToken(
  'refresh',
  signedBytes('refresh', 0, { sid, generation: 3, secret: new Uint8Array(32) }),
  new Uint8Array(32)
)
const responseWith = (...setCookies: readonly string[]) => ({ status: 200, headers: new Map(), setCookies, body: {} })

const names = ['refresh_token', '__Host-refresh_token', '__Secure-refresh_token_shop', '__Host-refresh_token_a20c2562']
for (const name of names) {
  t.test(`a holder finds the refresh token in a cookie named ${name}, keeps it and loses it`, async (t) => {
    const response = responseWith('__Host-device_a20c2562=x; Path=/', `${name}=${text}; Path=/; Secure`)
    t.match(issuedToken(response), { sid, generation: 3 })
    const holder = new TokenHolder('cookie')
    holder.store(response)
    t.match(holder.token, { text })
    t.equal(holder.headers().cookie, `__Host-device_a20c2562=x; ${name}=${text}`)
    holder.store(responseWith(`${name}=; Max-Age=0; Path=/`))
    t.equal(holder.token, undefined)
  })
}

t.test('a cookie with another name holds no refresh token', async (t) => {
  for (const name of ['my_refresh_token', 'refresh_token_', 'refresh_tokens', 'refresh_token_A'])
    t.equal(issuedToken(responseWith(`${name}=${text}; Path=/`)), undefined, name)
})
