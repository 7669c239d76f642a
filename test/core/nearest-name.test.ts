import t from 'tap'
import { nearestName } from '../../src/core/nearest-name.js'

const names = ['issuer', 'port', 'databaseUrl', 'databaseDirectUrl', 'accessTokenTtlSeconds', 'docs']

t.test('a misspelt name is near to the one that was meant', async (t) => {
  for (const [written, meant] of [
    ['isuer', 'issuer'],
    ['Issuers', 'issuer'],
    ['databaseURL', 'databaseUrl'],
    ['DATABASE_URL', 'databaseUrl'],
    ['databaseUri', 'databaseUrl'],
    ['accessTokenTTL', undefined],
    ['accesTokenTtlSecond', 'accessTokenTtlSeconds'],
    ['ports', 'port'],
    ['dosc', 'docs'],
    ['dsco', undefined],
    ['', undefined],
    ['colour', undefined]
  ] as const) {
    t.equal(nearestName(written, names), meant, written)
  }
})

t.test('the nearest of several is taken', async (t) => {
  t.equal(nearestName('abcdefx', ['abcdxyz', 'abcdefg']), 'abcdefg')
  t.equal(nearestName('anything', []), undefined)
  t.equal(nearestName('databaseUser', names), 'databaseUrl')
  t.equal(nearestName('databaseUser', names, 1), undefined, 'more changes than are allowed')
})
