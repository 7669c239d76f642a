import t from 'tap'
import { isExternalId, maxExternalIdLength } from '../../src/core/external-id.js'

t.test('an external id has 1 to 255 characters of any kind that the database can store', async (t) => {
  const longest = '😀'.repeat(maxExternalIdLength)
  for (const id of ['7', 'uid=ann,ou=people,dc=example', ' a b ', 'a\nb', longest]) t.ok(isExternalId(id), id)
  for (const id of ['', `${longest}x`, 'x'.repeat(10_000), 'a\0b', 'a\ud83d', '\ude00a']) t.notOk(isExternalId(id), id)
})
