import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Terminal } from './context.js'

/** A password that cannot be read: exit code 1. */
class PasswordNotRead extends Error {
  override readonly name = 'PasswordNotRead'
}

/**
 * Reads a new password: from a person twice and without echo, from a pipe all of it but one closing
 * line end. Never from the command line, which other users of the machine can see.
 */
export async function readPassword(terminal: Terminal): Promise<string> {
  if (!terminal.stdin.isTTY) return (await text(terminal.stdin)).replace(/\r?\n$/, '')
  const [password, again] = await ask(terminal, ['Password: ', 'Again: '])
  if (password === undefined || again === undefined) throw new PasswordNotRead('No password was typed.')
  if (password !== again) throw new PasswordNotRead('The two passwords are not the same.')
  return password
}

/** The answers typed before the end of input; none of them is echoed. */
async function ask({ stdin, stderr }: Terminal, questions: readonly string[]): Promise<readonly string[]> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: silent, terminal: true })
  const typed = lines[Symbol.asyncIterator]()
  const answers: string[] = []
  try {
    for (const question of questions) {
      stderr.write(question)
      const { value, done } = await typed.next()
      stderr.write('\n')
      if (done) break
      answers.push(value)
    }
    return answers
  } finally {
    lines.close()
  }
}
