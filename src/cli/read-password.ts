import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Terminal } from './context.js'

/** No new password could be read. The process exits with code 1. */
class PasswordNotRead extends Error {
  override readonly name = 'PasswordNotRead'
}

/**
 * Reads a new password. A person types it twice, without echo; from a pipe it is the whole input without its last line end.
 * It is never an option: other users of the machine can see the command line.
 */
export async function readPassword(terminal: Terminal): Promise<string> {
  if (!terminal.stdin.isTTY) return (await text(terminal.stdin)).replace(/\r?\n$/, '')
  const [password, again] = await ask(terminal, ['Password: ', 'Again: '])
  if (password === undefined || again === undefined) throw new PasswordNotRead('No password was typed.')
  if (password !== again) throw new PasswordNotRead('The two passwords are not the same.')
  return password
}

/** Asks the questions without echo. Returns fewer answers if the input ends first. */
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
