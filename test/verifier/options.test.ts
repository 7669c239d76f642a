import t from 'tap'
import { checkOptions, type VerifierOptions } from '../../src/verifier/options.js'
import { credential } from '../support/verifier/issuer.js'

const least = { issuer: 'https://auth.example/', audience: 'https://api.example' }

t.test('addresses default to those of the issuer', async (t) => {
  const options = checkOptions({ ...least, feed: { credential } })
  t.equal(options.issuer, 'https://auth.example/', 'unchanged, because it must equal the iss of the tokens')
  t.equal(options.jwksUrl.href, 'https://auth.example/.well-known/jwks.json')
  t.equal(options.feed?.url.href, 'https://auth.example/revocations')
  t.equal(options.clockToleranceMilliseconds, 5000)
  t.equal(options.deniesWhenStale, false)
  t.equal(
    checkOptions({ ...least, issuer: 'https://example/auth' }).jwksUrl.href,
    'https://example/auth/.well-known/jwks.json'
  )
})

t.test('an invalid option is named in the error', async (t) => {
  const wrong: readonly [Record<string, unknown>, RegExp][] = [
    [{ issuer: undefined }, /option issuer is not set. It must be the ISSUER of the service. .* set that variable\.$/],
    [{ issuer: 'auth.example' }, /option issuer/],
    [{ issuer: 'file:///etc/passwd' }, /option issuer/],
    [{ issuer: 'https://user:pass@auth.example' }, /option issuer/],
    [{ audience: undefined }, /option audience/],
    [{ audience: '' }, /option audience is not set. It must be the AUDIENCE/],
    [{ audiance: 'x' }, /option audiance does not exist. Did you mean audience\?$/],
    [{ audience: ['https://api.example'] }, /option audience must be a text/],
    [{ feeds: { credential } }, /option feeds does not exist. Did you mean feed\?$/],
    [{ color: 'red' }, /option color does not exist. The options are issuer, audience, /],
    [{ jwksUrl: '/jwks' }, /option jwksUrl/],
    [{ feed: {} }, /option feed.credential/],
    [{ feed: { credential: { id: 'x', secret: '' } } }, /option feed.credential.secret/],
    [{ feed: { credential: { id: 'x', secret: undefined } } }, /option feed.credential.secret is not set/],
    [{ feed: { credential: { id: undefined, secret: 'y' } } }, /option feed.credential.id is not set/],
    [{ feed: { credential, url: 'x' } }, /option feed.url/],
    [{ stale: 'deny' }, /option stale/],
    [{ stale: 'maybe' }, /option stale/],
    [{ clockToleranceSeconds: 31 }, /option clockToleranceSeconds/],
    [{ clockToleranceSeconds: -1 }, /option clockToleranceSeconds/],
    [{ clockToleranceSeconds: Number.NaN }, /option clockToleranceSeconds/],
    [{ warn: 'console' }, /option warn must be a function\.$/],
    [{ fetch: {} }, /option fetch must be a function\.$/]
  ]
  for (const [change, message] of wrong) {
    t.throws(() => checkOptions({ ...least, ...change } as VerifierOptions), { name: 'TypeError', message })
  }
})

t.test('warnings are emitted on the process by default', async (t) => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  checkOptions(least).warn('the issuer is away')
  t.match(await warned, { name: 'LatchkeyWarning', message: 'the issuer is away' })
})
