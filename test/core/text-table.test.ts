import t from 'tap'
import { textTable } from '../../src/core/text-table.js'

t.test('columns are as wide as their longest cell, and lines have no trailing spaces', async (t) => {
  const rows = [
    ['id', 'name', 'roles'],
    ['1', 'a long name', ''],
    ['1000', 'b', 'admin']
  ]
  t.strictSame(textTable(rows), ['id    name         roles', '1     a long name', '1000  b            admin'])
})

t.test('rows may have fewer or more cells than the first', async (t) => {
  t.strictSame(textTable([['a', 'b'], ['long'], ['c', 'd', 'e']]), ['a     b', 'long', 'c     d  e'])
})

t.test('no rows make no lines', async (t) => {
  t.strictSame(textTable([]), [])
})
