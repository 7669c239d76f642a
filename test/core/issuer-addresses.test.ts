import t from 'tap'
import { issuerAddresses } from '../../src/core/issuer-addresses.js'

t.test('all addresses follow the issuer, with or without slashes at its end', async (t) => {
  for (const [issuer, base, path] of [
    ['https://auth.example.com', 'https://auth.example.com', ''],
    ['https://auth.example.com/', 'https://auth.example.com', ''],
    ['https://example.com:8443/auth', 'https://example.com:8443/auth', '/auth'],
    ['https://example.com/a/b//', 'https://example.com/a/b', '/a/b'],
    ['http://localhost/größe', 'http://localhost/größe', '/gr%C3%B6%C3%9Fe']
  ] as const) {
    t.strictSame(issuerAddresses(issuer), {
      base,
      path,
      errors: `${path}/docs/errors.md`,
      metadata: `/.well-known/oauth-authorization-server${path}`
    })
  }
})
