import t from 'tap'
import {
  afterwards,
  cookieHeader,
  keyCookieName,
  readCookies,
  withKeyCookie
} from '../../../src/client/server/cookies.js'

t.test('the key of a Latchkey has a cookie of its own on a host', async (t) => {
  const name = (address: string) => keyCookieName(new URL(address))
  t.equal(name('https://example.com'), 'refresh_key')
  t.equal(name('https://example.com/auth/'), 'refresh_key_auth')
  t.equal(name('http://localhost:3000'), 'refresh_key_3000')
  t.equal(name('http://localhost:3000/a.b/ü'), 'refresh_key_3000_a_b__C3_BC')
})

const key = 'a-key-of-16-chars'

t.test('a key counts only under the prefix of the session, and only if Latchkey would take it', async (t) => {
  const keyOf = (header: string) => readCookies(header, 'refresh_key').key
  t.equal(keyOf(`__Host-refresh_token=t; __Host-refresh_key=${key}`), key)
  t.equal(keyOf(`__Host-refresh_token_x=t; refresh_key=${key}`), undefined)
  t.equal(keyOf(`__Host-refresh_token_x=t; \u00a0__Host-refresh_key=${key}`), undefined)
  t.equal(keyOf(`refresh_token=t; refresh_key=${key}`), key)
  t.equal(keyOf('refresh_token=t; refresh_key=short'), undefined)
})

t.test('of two different keys none counts, and both go when the cookie of the session is cleared', async (t) => {
  const other = 'another-key-of-16'
  const keyOf = (header: string) => readCookies(header, 'refresh_key').key
  t.equal(keyOf(`refresh_token=t; refresh_key=${key}; refresh_key=${other}`), undefined)
  t.equal(keyOf(`refresh_token=t; refresh_key=${key}; refresh_key=${key}`), key)
  const cleared = ['refresh_token_x=; Path=/; Partitioned']
  t.strictSame(withKeyCookie(cleared, 'refresh_key', undefined), [...cleared, 'refresh_key=; Path=/; Partitioned'])
})

t.test('two cookies of one name both go to Latchkey, as they came', async (t) => {
  const header = 'refresh_token=b; device=2; refresh_token=a; device=1; refresh_token=b'
  const cookies = readCookies(header, 'refresh_key')
  t.equal(cookieHeader(cookies), 'refresh_token=b; refresh_token=a; refresh_token=b; device=2; device=1')
  t.strictSame(afterwards(cookies, ['refresh_token=c; Path=/']).refreshTokens, [['refresh_token', 'c']])
  t.strictSame(afterwards(cookies, ['refresh_token=; Path=/', 'device=3']).refreshTokens, [])
})

t.test("Latchkey's cookies are found between others", async (t) => {
  const header = 'a=1; __Host-refresh_token=t=; b; session=2; __Host-device_0f=d;refresh_tokens=3'
  t.equal(cookieHeader(readCookies(header, 'refresh_key')), '__Host-refresh_token=t=; __Host-device_0f=d')
})

t.test('a session without a key has no cookie for one', async (t) => {
  const setCookies = ['__Host-refresh_token=t; Path=/', 'device=d']
  t.strictSame(withKeyCookie(setCookies, 'refresh_key', undefined), setCookies)
  t.strictSame(withKeyCookie(setCookies, 'refresh_key', key), [
    '__Host-refresh_token=t; Path=/',
    `__Host-refresh_key=${key}; Path=/`,
    'device=d'
  ])
})
