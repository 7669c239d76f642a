import { createHash } from 'node:crypto'
import t from 'tap'
import { cookieNameSuffixes } from '../../src/config/cookie-name-suffixes.js'
import { ConfigError, loadConfig } from '../../src/config/read-config.js'

const hashOf = (portAndPath: string) => `_${createHash('sha256').update(portAndPath).digest('hex').slice(0, 8)}`

/** Issuers, and what the suffix is made of; null for no suffix. */
const issuers: readonly (readonly [issuer: string, source: string | null])[] = [
  ['https://auth.example.com', null],
  ['https://auth.example.com/', null],
  ['https://auth.example.com//', null],
  ['https://auth.example.com:443', null],
  ['http://auth.example.com', null],
  ['http://auth.example.com:80/', null],
  ['HTTPS://AUTH.EXAMPLE.COM:443', null],
  ['https://[2001:db8::1]', null],
  ['http://[::1]:80', null],
  ['http://localhost', null],
  ['http://localhost:3000', null],
  ['http://localhost:3000/', null],
  ['https://localhost:3000', null],
  ['http://LOCALHOST:3000', null],

  ['http://localhost:3001', '3001'],
  ['http://127.0.0.1:3000', '3000'],
  ['http://[::1]:3000', '3000'],
  ['http://app.localhost:3000', '3000'],
  ['http://[2001:db8::1]:8080/', '8080'],
  ['https://auth.example.com:80', '80'],
  ['http://auth.example.com:443', '443'],
  ['https://auth.example.com:8443', '8443'],
  ['http://localhost:3000/auth', '3000/auth'],
  ['https://example.com/auth', '443/auth'],
  ['https://example.com:443/auth/', '443/auth'],
  ['http://example.com/auth', '80/auth'],
  ['https://example.com/Auth', '443/Auth'],
  ['https://example.com/a/../auth', '443/auth'],
  ['https://EXAMPLE.com:8443/auth/eu', '8443/auth/eu']
]

for (const [issuer, source] of issuers) {
  t.test(`auto gives ${issuer} ${source === null ? 'no suffix' : `the suffix of ${source}`}`, async (t) => {
    const suffix = source === null ? '' : hashOf(source)
    t.strictSame(cookieNameSuffixes('auto', issuer), suffix === '' ? [''] : [suffix, ''])
    t.match(suffix, /^(_[0-9a-f]{8})?$/)
  })
}

t.test('the suffix of an issuer never changes, because its sessions would be lost', async (t) => {
  t.equal(cookieNameSuffixes('auto', 'http://localhost:3001')[0], '_a20c2562')
  t.equal(cookieNameSuffixes('auto', 'https://example.com/auth')[0], '_203a8ab0')
})

t.test('none and a suffix of one’s own also accept the names that other settings give', async (t) => {
  t.strictSame(cookieNameSuffixes('none', 'https://example.com'), [''])
  t.strictSame(cookieNameSuffixes('none', 'https://example.com/auth'), ['', hashOf('443/auth')])
  t.strictSame(cookieNameSuffixes('shop', 'https://example.com'), ['_shop', ''])
  t.strictSame(cookieNameSuffixes('shop', 'https://example.com/auth'), ['_shop', '', hashOf('443/auth')])
})

t.test('the names follow the issuer, and without one the address of HOST and PORT', async (t) => {
  const suffixes = (environment: Record<string, string>) => loadConfig(environment).cookieNameSuffixes
  t.strictSame(suffixes({}), [''])
  t.strictSame(suffixes({ PORT: '3001' }), [hashOf('3001'), ''])
  t.strictSame(suffixes({ HOST: '0.0.0.0' }), [''])
  t.strictSame(suffixes({ HOST: 'fd00::7' }), [hashOf('3000'), ''])
  t.strictSame(suffixes({ PORT: '3001', ISSUER: 'https://auth.example.com' }), [''])
  t.strictSame(suffixes({ COOKIE_NAME_SUFFIX: 'shop' }), ['_shop', ''])
  t.strictSame(suffixes({ COOKIE_NAME_SUFFIX: '' }), [''])
})

t.test('a suffix that is too long, or has other characters, is refused', async (t) => {
  for (const value of ['Shop', 'a-b', 'a b', '_a', 'ä', 'x'.repeat(17), 'a;b', 'None']) {
    try {
      loadConfig({ COOKIE_NAME_SUFFIX: value })
      t.fail(value)
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems : []
      t.match(problems, [/^COOKIE_NAME_SUFFIX must be auto, none, or 1 to 16 of a-z and 0-9, but is/], value)
    }
  }
  for (const value of ['a', '0', 'x'.repeat(16)]) {
    t.equal(loadConfig({ COOKIE_NAME_SUFFIX: value }).cookieNameSuffixes[0], `_${value}`)
  }
})

t.test('a HOST that makes no address is refused if ISSUER is not set', async (t) => {
  try {
    loadConfig({ HOST: 'a host' })
    t.fail('not refused')
  } catch (error) {
    t.match(error, { problems: [/^HOST/] })
  }
  t.equal(loadConfig({ HOST: 'fe80::1%eth0', PORT: '80' }).issuer, 'http://[fe80::1]:80')
})
