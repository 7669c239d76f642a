import { PassThrough } from 'node:stream'
import t from 'tap'
import { readPassword } from '../../src/cli/read-password.js'

function terminal(typed: string, isTTY: boolean) {
  const stderr = new PassThrough()
  const stdin = Object.assign(new PassThrough().end(typed), { isTTY })
  return { stdin, stdout: new PassThrough(), stderr, shown: () => String(stderr.read() ?? '') }
}

t.test('a pipe is read to its end, without its last line end', async (t) => {
  t.equal(await readPassword(terminal(' two  words \n', false)), ' two  words ')
  t.equal(await readPassword(terminal('windows\r\n', false)), 'windows')
  t.equal(await readPassword(terminal('two\n\n', false)), 'two\n')
})

t.test('a person types the password twice, without echo', async (t) => {
  const typing = terminal('hunter2 \nhunter2 \n', true)
  t.equal(await readPassword(typing), 'hunter2 ')
  t.equal(typing.shown(), 'Password: \nAgain: \n')
  t.equal(typing.stdout.read(), null)
})

t.test('two different passwords are refused', async (t) => {
  await t.rejects(readPassword(terminal('hunter2\nhunter3\n', true)), { message: /not the same/ })
})

t.test('input that ends before both passwords is refused', async (t) => {
  await t.rejects(readPassword(terminal('hunter2\n', true)), { message: /No password was typed/ })
})
