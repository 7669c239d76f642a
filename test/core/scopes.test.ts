import t from 'tap'
import { grantedScopes, hasScope, isGrantableScope, isScope } from '../../src/core/scopes.js'

t.test('a scope has 1 to 64 printable characters but space, quote and backslash (RFC 6749 §3.3)', async (t) => {
  for (const scope of ['a', 'reports:read', '!#[]~', 'https://api.test/read', 'x'.repeat(64)])
    t.ok(isScope(scope), scope)
  for (const text of ['', ' ', 'a b', 'a"', 'a\\', 'ä', '\u007f', 'a\n', 'x'.repeat(65)]) t.notOk(isScope(text), text)
})

t.test('names are free, but those that begin with latchkey: are ours', async (t) => {
  for (const scope of ['reports:read', 'latchkey', 'latchkey:feed', 'Latchkey:x']) t.ok(isGrantableScope(scope), scope)
  for (const text of ['latchkey:', 'latchkey:feeds', 'latchkey:Feed', 'a b']) t.notOk(isGrantableScope(text), text)
})

t.test('a client gets the scopes that it asks for, all if it asks for none, and none that it lacks', async (t) => {
  const allowed = ['a', 'b']
  t.strictSame(grantedScopes(allowed, undefined), allowed)
  t.strictSame(grantedScopes(allowed, 'b'), ['b'])
  t.strictSame(grantedScopes(allowed, 'b a b'), ['b', 'a'])
  for (const wanted of ['c', 'a c', '', 'a  b', ' a', 'A']) t.equal(grantedScopes(allowed, wanted), undefined, wanted)
})

t.test('a claim contains a scope only as a whole word', async (t) => {
  for (const scope of ['a', 'b:c', 'd']) t.ok(hasScope('a b:c d', scope), scope)
  for (const scope of ['b', 'c', 'b:', 'e']) t.notOk(hasScope('a b:c d', scope), scope)
})
