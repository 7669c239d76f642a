import t from 'tap'
import { readMailUrl } from '../../src/addresses/mail-url.js'

const alone = { user: undefined, password: undefined }

for (const [text, expected] of [
  ['smtp://relay:25', { ...alone, host: 'relay', port: 25, tls: 'offered' }],
  ['smtp://relay', { ...alone, host: 'relay', port: 587, tls: 'offered' }],
  ['smtps://mail.example.com', { ...alone, host: 'mail.example.com', port: 465, tls: 'always' }],
  [
    'smtp://ada:p%40ss@mail.example.com',
    { host: 'mail.example.com', port: 587, user: 'ada', password: 'p@ss', tls: 'required' }
  ],
  ['smtp://ada:pass@127.0.0.1:1025', { host: '127.0.0.1', port: 1025, user: 'ada', password: 'pass', tls: 'offered' }],
  ['smtps://ada:pass@[::1]', { host: '::1', port: 465, user: 'ada', password: 'pass', tls: 'always' }]
] as const) {
  t.test(`${text} is read`, async (t) => t.strictSame(readMailUrl(text), expected))
}

t.test('a faulty address is named without its secret parts', async (t) => {
  for (const text of [
    'http://host',
    'smtp://',
    'smtp://a,b',
    'smtp://host/path',
    'smtp://host?secure=no',
    'smtp://hunter2@host',
    'smtp://ada:hunter2@host:99999'
  ]) {
    try {
      readMailUrl(text)
      t.fail(text)
    } catch (error) {
      t.equal(error instanceof Error && error.name, 'InvalidUrl')
      t.notMatch(String(error), 'hunter2')
    }
  }
})
